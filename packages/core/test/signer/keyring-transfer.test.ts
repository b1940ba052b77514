import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileKeyring, type Keyring, memoryKeyring } from '@fleetcert/core'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

const folder = temporaryDirectory()
afterAll(folder.remove)
let count = 0
const path = (): string => folder.path(`keys-${count++}`)
const publicKey = async (keyring: Keyring, name: string): Promise<Uint8Array | undefined> =>
  (await keyring.open(name))?.publicKey

describe('a key that leaves', () => {
  it('keeps the protection that it has', async () => {
    const locked = path()
    await fileKeyring(locked, { passphrase: 'one' }).create('ca', 'P-256')
    // Nobody is asked for the passphrase.
    const asked = fileKeyring(locked, { passphrase: () => Promise.reject(new Error('asked')) })
    const pem = await asked.export!('ca')
    expect(pem).toBe(readFileSync(`${locked}/ca-key.pem`, 'utf8'))
    expect(pem).toContain('ENCRYPTED PRIVATE KEY')
    expect(await asked.export!('root')).toBeUndefined()
    expect(await fileKeyring(path()).export!('ca')).toBeUndefined()
    const memory = memoryKeyring()
    await memory.create('ca', 'P-256')
    expect(await memory.export!('ca')).toContain('BEGIN PRIVATE KEY')
    expect(await memory.export!('root')).toBeUndefined()
  })
})

describe('a key that comes in', () => {
  it('encrypted is kept as it is, if this keyring can open it', async () => {
    const source = fileKeyring(path(), { passphrase: 'one' })
    const made = await source.create('ca', 'P-384')
    const pem = (await source.export!('ca'))!
    const home = path()
    const target = fileKeyring(home, { passphrase: 'one' })
    expect((await target.import!('ca', pem)).publicKey).toEqual(made.publicKey)
    expect(readFileSync(`${home}/ca-key.pem`, 'utf8')).toBe(pem)
    expect(statSync(`${home}/ca-key.pem`).mode & 0o777).toBe(0o600)
    expect(await publicKey(target, 'ca')).toEqual(made.publicKey)
    for (const other of [fileKeyring(path(), { passphrase: 'two' }), fileKeyring(path()), memoryKeyring()]) {
      await expect(other.import!('ca', pem)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
      expect(await other.list()).toEqual([])
    }
  })

  it('in the clear gets the protection of those that are made here', async () => {
    const memory = memoryKeyring()
    const made = await memory.create('ca', 'Ed25519')
    const pem = (await memory.export!('ca'))!
    const locked = path()
    const target = fileKeyring(locked, { passphrase: 'one' })
    await target.import!('ca', pem)
    expect(readFileSync(`${locked}/ca-key.pem`, 'utf8')).toContain('ENCRYPTED PRIVATE KEY')
    expect(await publicKey(target, 'ca')).toEqual(made.publicKey)
    const clear = path()
    await fileKeyring(clear).import!('ca', pem)
    expect(await publicKey(fileKeyring(clear), 'ca')).toEqual(made.publicKey)
  })

  it('overwrites none, and is one', async () => {
    const source = memoryKeyring()
    await source.create('ca', 'P-256')
    const pem = (await source.export!('ca'))!
    for (const target of [fileKeyring(path()), memoryKeyring()]) {
      const made = await target.create('ca', 'P-256')
      await expect(target.import!('ca', pem)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_EXISTS' })
      expect(await publicKey(target, 'ca')).toEqual(made.publicKey)
      await expect(target.import!('../ca', pem)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_NAME' })
      for (const wrong of ['', 'text', pem.replace(/\n.{10}/, '\nAAAAAAAAAA'), pem + pem]) {
        await expect(target.import!('other', wrong)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNREADABLE' })
      }
      expect(await target.list()).toEqual(['ca'])
    }
  })

  it('where two come at once, one does', async () => {
    const source = memoryKeyring()
    await source.create('ca', 'P-256')
    const pem = (await source.export!('ca'))!
    const home = path()
    const results = await Promise.allSettled([1, 2, 3].map(() => fileKeyring(home).import!('ca', pem)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('leaves nothing where it cannot be written', async () => {
    const source = memoryKeyring()
    await source.create('ca', 'P-256')
    const home = folder.path('a-file')
    writeFileSync(home, '')
    const pem = (await source.export!('ca'))!
    await expect(fileKeyring(home).import!('ca', pem)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNWRITABLE' })
  })
})
