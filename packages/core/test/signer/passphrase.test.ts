import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fileKeyring, passphraseFromEnv, passphraseFromFile } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

let folder: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  folder = temporaryDirectory()
})
afterEach(() => {
  delete process.env['FLEETCERT_TEST_PASSPHRASE']
  folder.remove()
})

describe('passphraseFromEnv', () => {
  it('is read when a key is made or opened', async () => {
    const keyring = fileKeyring(folder.path('keys'), { passphrase: passphraseFromEnv('FLEETCERT_TEST_PASSPHRASE') })
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_PASSPHRASE',
      cause: { message: 'the environment variable FLEETCERT_TEST_PASSPHRASE is not set, or empty' },
    })
    process.env['FLEETCERT_TEST_PASSPHRASE'] = ' open sesame '
    await keyring.create('ca', 'P-256')
    expect(await fileKeyring(folder.path('keys'), { passphrase: ' open sesame ' }).open('ca')).toBeDefined()
    process.env['FLEETCERT_TEST_PASSPHRASE'] = ''
    await expect(keyring.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
  })
})

describe('passphraseFromFile', () => {
  it.each([
    ['open sesame', 'open sesame'],
    ['open sesame\n', 'open sesame'],
    ['open sesame\r\n', 'open sesame'],
    ['open sesame\n\n', 'open sesame\n'],
    [' ö€ ', ' ö€ '],
  ])('%j is %j', async (content, passphrase) => {
    writeFileSync(folder.path('secret'), content)
    const ask = passphraseFromFile(folder.path('secret'))
    expect(await ask()).toBe(passphrase)
    expect(await ask()).toBe(passphrase)
  })

  it.each([
    ['nothing', ''],
    ['a line end alone', '\n'],
    ['too much', 'a'.repeat(4097)],
    ['no UTF-8', Buffer.of(0xff, 0xfe, 0x61)],
  ])('%s is refused', async (_, content) => {
    writeFileSync(folder.path('secret'), content)
    await expect(passphraseFromFile(folder.path('secret'))()).rejects.toThrow()
    const keyring = fileKeyring(folder.path('keys'), { passphrase: passphraseFromFile(folder.path('secret')) })
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
  })

  it('a file that changes is read again, and one that is missing is refused', async () => {
    const ask = passphraseFromFile(folder.path('secret'))
    await expect(ask()).rejects.toMatchObject({ code: 'ENOENT' })
    writeFileSync(folder.path('secret'), 'one')
    expect(await ask()).toBe('one')
    writeFileSync(folder.path('secret'), 'two')
    expect(await ask()).toBe('two')
  })

  it('a file descriptor is read once, for as many as ask', async () => {
    writeFileSync(folder.path('secret'), 'open sesame\n')
    const descriptor = openSync(folder.path('secret'), 'r')
    const ask = passphraseFromFile(descriptor)
    expect(await Promise.all([ask(), ask()])).toEqual(['open sesame', 'open sesame'])
    closeSync(descriptor)
    expect(await ask()).toBe('open sesame')
  })

  it('of a process: a pipe as descriptor 3', () => {
    const core = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    const script = `const { passphraseFromFile } = await import(${JSON.stringify(core)}); process.stdout.write(await passphraseFromFile(3)())`
    const args = [
      '-c',
      `printf 'open sesame\\n' | { exec 3<&0 </dev/null; exec "$0" --conditions=fleetcert-source --input-type=module -e "$1"; }`,
    ]
    const { stdout, stderr } = spawnSync('sh', [...args, process.execPath, script], { encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: 'open sesame', stderr: '' })
  })

  it("callers' mistakes are TypeErrors", () => {
    for (const source of ['', -1, 1.5, undefined]) expect(() => passphraseFromFile(source as never)).toThrow(TypeError)
    expect(() => passphraseFromEnv('')).toThrow(TypeError)
  })
})
