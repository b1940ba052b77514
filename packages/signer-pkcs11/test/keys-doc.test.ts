import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { makeSoftHsm, pin, type SoftHsm } from './support/softhsm.ts'

describeWith(['softhsm2-util', 'pkcs11-tool'], 'docs/keys.md', () => {
  // Its files are made in the current folder.
  const before = process.cwd()
  let hsm: SoftHsm
  beforeEach(() => {
    hsm = makeSoftHsm('fleet')
    process.chdir(hsm.path(''))
    process.env['HSM_PIN'] = pin
  })
  afterEach(() => {
    process.chdir(before)
    delete process.env['HSM_PIN']
    delete process.env['FLEETCERT_KEY_PASSPHRASE']
    hsm.remove()
  })

  it('runs', async () => {
    const page = fileURLToPath(new URL('../../../docs/keys.md', import.meta.url))
    expect(await runReadme(page, fileURLToPath(import.meta.url))).toBeGreaterThanOrEqual(2)
    expect(hsm.tool('fleet', '--list-objects')).toMatch(/Private Key Object.*\n +label: +root\n/)
  })
})
