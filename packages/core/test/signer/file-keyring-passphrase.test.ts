import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { type FileKeyringOptions, fileKeyring, memoryKeyring } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

let folder: ReturnType<typeof temporaryDirectory>
let emitWarning: ReturnType<typeof vi.spyOn>
beforeEach(() => {
  folder = temporaryDirectory()
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(() => {
  folder.remove()
  vi.restoreAllMocks()
})

/** What a caller without types may pass. */
function optionsOf(passphrase: unknown): FileKeyringOptions {
  return { passphrase } as FileKeyringOptions
}

describe('a passphrase that is none', () => {
  it.each([undefined, null, '', 1, {}, Buffer.from('secret')])('%j is a caller bug, and no lack of one', passphrase => {
    expect(() => fileKeyring(folder.directory, optionsOf(passphrase))).toThrow(TypeError)
    expect(() => fileKeyring(folder.directory, optionsOf(passphrase))).toThrow(/^passphrase: /)
  })

  it.each([undefined, null, '', 1, Buffer.from('secret')])(
    '%j from a function makes no key and no folder',
    async answer => {
      const keyring = fileKeyring(
        folder.path('keys'),
        optionsOf(async () => answer),
      )
      await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
      expect(existsSync(folder.path('keys'))).toBe(false)
    },
  )

  it.each([undefined, null, ''])('%j from a function opens no encrypted key', async answer => {
    await fileKeyring(folder.directory, { passphrase: 'open sesame' }).create('ca', 'P-256')
    const keyring = fileKeyring(
      folder.directory,
      optionsOf(async () => answer),
    )
    await expect(keyring.open('ca')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
  })

  it('a function that fails is ERR_PKI_KEY_PASSPHRASE with its error as the cause', async () => {
    const cause = new Error('vault is sealed')
    const keyring = fileKeyring(folder.directory, { passphrase: () => Promise.reject(cause) })
    await expect(keyring.create('ca', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE', cause })
    expect(readdirSync(folder.directory)).toEqual([])
  })

  it('a function is asked once per key, and for no key that is missing or malformed', async () => {
    const passphrase = vi.fn(async () => 'open sesame')
    const keyring = fileKeyring(folder.directory, { passphrase })
    await keyring.create('ca', 'P-256')
    expect(passphrase).toHaveBeenCalledTimes(1)
    await keyring.open('ca')
    expect(passphrase).toHaveBeenCalledTimes(2)
    await keyring.open('root')
    writeFileSync(folder.path('bad-key.pem'), 'no key', { mode: 0o600 })
    await expect(keyring.open('bad')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE' })
    expect(passphrase).toHaveBeenCalledTimes(2)
  })
})

it.each(['ä€😀 passphrase', 'x'.repeat(2000), ' '])(
  'a key made with the passphrase %j opens with it',
  async passphrase => {
    const made = await fileKeyring(folder.directory, { passphrase }).create('ca', 'P-256')
    const opened = await fileKeyring(folder.directory, { passphrase }).open('ca')
    expect(opened!.publicKey).toEqual(made.publicKey)
  },
)

it('a clear key is refused where a passphrase is configured, with the way to encrypt it', async () => {
  await fileKeyring(folder.directory).create('ca', 'P-256')
  const passphrase = vi.fn(async () => 'open sesame')
  const keyring = fileKeyring(folder.directory, { passphrase })
  await expect(keyring.open('ca')).rejects.toMatchObject({
    code: 'ERR_PKI_KEY_UNREADABLE',
    details: { name: 'ca', reason: expect.stringContaining('openssl pkcs8 -topk8 -scrypt') },
  })
  expect(passphrase).not.toHaveBeenCalled()
})

describe('a key in the clear', () => {
  it('is warned of once per folder, when the first is made', async () => {
    const keyring = fileKeyring(folder.directory)
    await keyring.open('ca')
    expect(emitWarning).not.toHaveBeenCalled()
    await keyring.create('ca', 'P-256')
    expect(emitWarning).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(folder.directory), {
      code: 'FLEETCERT_UNENCRYPTED_KEY',
    })
    await keyring.create('root', 'P-256')
    await fileKeyring(relative(process.cwd(), folder.directory)).create('other', 'P-256')
    await keyring.open('ca')
    expect(emitWarning).toHaveBeenCalledTimes(1)
    await fileKeyring(folder.path('elsewhere')).create('ca', 'P-256')
    expect(emitWarning).toHaveBeenCalledTimes(2)
  })

  it('is not warned of when none was made, or it is encrypted or in memory', async () => {
    await fileKeyring(folder.directory, { passphrase: 'open sesame' }).create('ca', 'P-256')
    await memoryKeyring().create('ca', 'P-256')
    await expect(fileKeyring(folder.directory).create('ca', 'P-256')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_EXISTS',
    })
    expect(emitWarning).not.toHaveBeenCalled()
    expect(readFileSync(folder.path('ca-key.pem'), 'utf8')).toContain('ENCRYPTED')
  })
})
