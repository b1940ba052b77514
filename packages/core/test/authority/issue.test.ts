import {
  type Fleet,
  type Keyring,
  memoryKeyring,
  memoryStore,
  openFleet,
  type Signer,
  type Store,
} from '@fleetcert/core'
import { expect, it } from 'vitest'

/** Every signer of the keyring goes through `change`. */
const keyringWith = (change: (signer: Signer) => Signer): Keyring => {
  const inner = memoryKeyring()
  return {
    ...inner,
    create: async (name, algorithm) => change(await inner.create(name, algorithm)),
    open: async name => {
      const signer = await inner.open(name)
      return signer === undefined ? undefined : change(signer)
    },
  }
}
const storeWith = (changes: Partial<Store>): Store => Object.assign(memoryStore(), changes)
const open = (store: Store, keyring: Keyring): Promise<Fleet> => openFleet({ store, keyring, background: false })

it.each([
  ['fails', () => Promise.reject(new Error('token removed: PIN 1234'))],
  [
    'returns a wrong signature',
    async (signature: Uint8Array) => Uint8Array.from(signature, (octet, index) => (index === 10 ? octet ^ 1 : octet)),
  ],
  ['returns nothing', async () => undefined as never],
])('a signer that %s: a coded error, nothing issued, and the next call works', async (_name, answer) => {
  let broken = false
  const fleet = await open(
    memoryStore(),
    keyringWith(signer => ({
      ...signer,
      sign: async (message, options) => {
        const signature = await signer.sign(message, options)
        return broken ? answer(signature) : signature
      },
    })),
  )
  broken = true
  const error = await fleet.enroll('sensor-1').catch((error: Error) => error)
  expect(error).toMatchObject({ code: 'ERR_PKI_SIGNER' })
  expect(String(error)).not.toContain('1234')
  expect(await fleet.device('sensor-1')).toBeUndefined()
  broken = false
  expect((await fleet.enroll('sensor-1')).serialNumber).toMatch(/^[0-7]/)
  await fleet.close()
})

it('returns nothing that the store did not take', async () => {
  let failing = false
  const store = memoryStore()
  const commit = store.commit.bind(store)
  const fleet = await open(
    Object.assign(store, {
      commit: ((...args: Parameters<Store['commit']>) =>
        failing ? Promise.reject(new Error('disk full')) : commit(...args)) as Store['commit'],
    }),
    memoryKeyring(),
  )
  failing = true
  await expect(fleet.enroll('sensor-1')).rejects.toThrow('disk full')
  // It may have been signed: the intent is listed, and revocable.
  const pending = []
  for await (const reservation of fleet.pending()) pending.push(reservation)
  expect(pending).toMatchObject([{ deviceId: 'sensor-1', state: 'abandoned' }])
  expect(pending[0]!.tbsCertificate).toBeInstanceOf(Uint8Array)
  await fleet.revoke(pending[0]!.id)
  const { parseCrl } = await import('@fleetcert/x509')
  expect(parseCrl((await fleet.crl()).der).entries.map(({ serialNumber }) => serialNumber)).toEqual([
    pending[0]!.id.serialNumber,
  ])
  await fleet.close()
})

it('a revocation between signature and commit wins', async () => {
  const store = memoryStore()
  const commit = store.commit.bind(store)
  let fleet: Fleet | undefined
  Object.assign(store, {
    commit: async (...args: Parameters<Store['commit']>) => {
      if (fleet !== undefined) await fleet.revoke('sensor-1')
      return commit(...args)
    },
  })
  fleet = await open(store, memoryKeyring())
  await expect(fleet.enroll('sensor-1')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_CLOSED' })
  await fleet.close()
})

it('draws another serial number when one is taken', async () => {
  let clashes = 2
  const store = memoryStore()
  const reserve = store.reserve.bind(store)
  const fleet = await open(
    Object.assign(store, {
      reserve: ((...args: Parameters<Store['reserve']>) =>
        args[0].deviceId !== undefined && clashes-- > 0
          ? Promise.resolve('serialTaken')
          : reserve(...args)) as Store['reserve'],
    }),
    memoryKeyring(),
  )
  await fleet.enroll('sensor-1')
  clashes = 3
  await expect(fleet.enroll('sensor-2')).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
  await fleet.close()
})

it('stops at an abort before anything is reserved', async () => {
  const fleet = await open(storeWith({}), memoryKeyring())
  await expect(fleet.enroll('sensor-1', {}, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone')
  expect(await fleet.device('sensor-1')).toBeUndefined()
  await fleet.enroll('sensor-1')
  await fleet.close()
})
