import { memoryKeyring, memoryStore, openFleet, remoteKeyring, type Signer } from '@fleetcert/core'
import { beforeEach, describe, expect, it } from 'vitest'

let root: Signer
let ca: Signer
beforeEach(async () => {
  root = await memoryKeyring().create('root', 'P-256')
  ca = await memoryKeyring().create('ca', 'P-256')
})

describe('a keyring of remote keys', () => {
  it('holds what it was given, and makes and deletes nothing', async () => {
    const keyring = remoteKeyring({ root, ca: async () => ca, none: async () => undefined })
    expect(await keyring.open('root')).toBe(root)
    expect(await keyring.open('ca')).toBe(ca)
    expect(await keyring.open('none')).toBeUndefined()
    expect(await keyring.open('other')).toBeUndefined()
    expect(await keyring.list()).toEqual(['ca', 'root'])
    await expect(keyring.create('root', 'P-256')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_EXISTS' })
    await expect(keyring.create('other', 'P-256')).rejects.toMatchObject({
      code: 'ERR_PKI_KEY_UNWRITABLE',
      details: { name: 'other' },
    })
    await expect(keyring.delete('root')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_UNWRITABLE' })
    await keyring.delete('other')
    await expect(keyring.open('Root')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_NAME' })
  })

  it('asks for a key once, and again where that failed', async () => {
    let asked = 0
    const failures = [new Error('away, says account 4711')]
    const keyring = remoteKeyring({
      async root() {
        asked += 1
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        return root
      },
    })
    const error = await keyring.open('root').catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'ERR_PKI_KEY_UNREADABLE',
      details: { name: 'root' },
      cause: { message: 'away, says account 4711' },
    })
    expect(String(error)).not.toContain('4711')
    expect(await keyring.open('root')).toBe(root)
    expect(await keyring.open('root')).toBe(root)
    expect(asked).toBe(2)
  })

  it('refuses what is no signer, no name and no option', () => {
    expect(() => remoteKeyring({ root: {} as Signer })).toThrow('remoteKeyring: root: expected a Signer')
    expect(() => remoteKeyring(undefined as never)).toThrow(TypeError)
    expect(() => remoteKeyring({ Root: root })).toThrow(expect.objectContaining({ code: 'ERR_PKI_KEY_NAME' }))
    expect(() => remoteKeyring({ root }, { first: true } as never)).toThrow('there is no "first"')
  })

  it('makes a fleet at the first start alone', async () => {
    const store = memoryStore()
    await expect(
      openFleet({ store: memoryStore(), keyring: remoteKeyring({ root, ca }), background: false }),
    ).rejects.toMatchObject({
      code: 'ERR_PKI_STORE_LOST',
    })
    const keyring = remoteKeyring({ root, ca }, { firstStart: true })
    const fleet = await openFleet({ store, keyring, background: false })
    await fleet.enroll('sensor-1')
    await fleet.close()
  })
})
