import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runReadme } from '../../../test-support/readme.ts'
import { describeWith } from '../../../test-support/tools.ts'
import { makeSoftHsm, pin, type SoftHsm } from './support/softhsm.ts'

describeWith(['softhsm2-util', 'pkcs11-tool'], 'the README', () => {
  let hsm: SoftHsm
  beforeEach(() => {
    hsm = makeSoftHsm('fleet')
    process.env['HSM_PIN'] = pin
  })
  afterEach(() => {
    delete process.env['HSM_PIN']
    hsm.remove()
  })

  it('runs', async () => {
    const readme = fileURLToPath(new URL('../README.md', import.meta.url))
    expect(await runReadme(readme, fileURLToPath(import.meta.url))).toBe(2)
    const listed = hsm.tool('fleet', '--list-objects')
    expect([...listed.matchAll(/Private Key Object.*\n +label: +(.*)/g)].map(([, label]) => label).sort()).toEqual(
      expect.arrayContaining(['ca', 'root']),
    )
  })
})
