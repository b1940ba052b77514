import { fileKeyring, type Keyring, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'

const background = false
/** The memory store outlives a fleet that closes it, as a file would. */
const lasting = (store: Store): Store => ({ ...store, close: async () => {}, [Symbol.asyncDispose]: async () => {} })

it('opens the same CAs again', async () => {
  const store = lasting(memoryStore())
  const keyring = memoryKeyring()
  const first = await openFleet({ store, keyring, background })
  const { fingerprint } = await first.enroll('sensor-1')
  await first.close()
  const second = await openFleet({ store, keyring, background })
  expect(second.trustAnchors).toBe(first.trustAnchors)
  expect((await second.identify({ fingerprint })).status).toBe('active')
  expect(await keyring.list()).toEqual(['ca', 'root'])
})

it('makes one fleet when many processes start at once', async () => {
  const store = lasting(memoryStore())
  const keyring = memoryKeyring()
  const fleets = await Promise.all(Array.from({ length: 10 }, () => openFleet({ store, keyring, background })))
  expect(new Set(fleets.map(({ trustAnchors }) => trustAnchors)).size).toBe(1)
  let authorities = 0
  for await (const event of fleets[0]!.events({ follow: false })) if (event.type === 'issued') authorities += 1
  expect(authorities).toBe(2)
})

it('never makes a second root when the store was lost', async () => {
  const keyring = memoryKeyring()
  await (await openFleet({ store: memoryStore(), keyring, background })).close()
  await expect(openFleet({ store: memoryStore(), keyring, background })).rejects.toMatchObject({
    code: 'ERR_PKI_STORE_LOST',
  })
})

it('opens without its keys, and only what needs them rejects', async () => {
  const store = lasting(memoryStore())
  const keyring = memoryKeyring()
  const first = await openFleet({ store, keyring, background })
  const { fingerprint } = await first.enroll('sensor-1')
  const second = await openFleet({ store, keyring: memoryKeyring(), background })
  expect((await second.identify({ fingerprint })).status).toBe('active')
  await second.revoke('sensor-1')
  await expect(second.enroll('sensor-2')).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
  await expect(second.crl()).rejects.toMatchObject({ code: 'ERR_PKI_KEY_MISSING' })
  expect(await second.device('sensor-2')).toBeUndefined()
})

it("refuses a key that is not the CA's", async () => {
  const store = lasting(memoryStore())
  await openFleet({ store, keyring: memoryKeyring(), background })
  const other = memoryKeyring()
  await other.create('ca', 'P-256')
  await expect(openFleet({ store, keyring: other, background })).rejects.toMatchObject({
    code: 'ERR_PKI_KEY_UNREADABLE',
  })
})

it('hears a wrong passphrase at once', async () => {
  const folder = temporaryDirectory()
  try {
    const store = lasting(memoryStore())
    await openFleet({ store, keyring: fileKeyring(folder.directory, { passphrase: 'right' }), background })
    await expect(
      openFleet({ store, keyring: fileKeyring(folder.directory, { passphrase: 'wrong' }), background }),
    ).rejects.toMatchObject({ code: 'ERR_PKI_KEY_PASSPHRASE' })
  } finally {
    folder.remove()
  }
})

it('finishes a first start that died at any step, with one root', async () => {
  // Counts the calls of a whole first start, then dies before and after each of them in turn and starts again.
  const dyingAt = (store: Store, keyring: Keyring, step: number, when: 'before' | 'after') => {
    let calls = 0
    const dying = <T extends object>(target: T, names: readonly string[]): T =>
      new Proxy(target, {
        get(object, name, receiver) {
          const value = Reflect.get(object, name, receiver)
          if (typeof value !== 'function' || !names.includes(String(name))) return value
          return async (...args: unknown[]) => {
            calls += 1
            if (calls > step || (calls === step && when === 'before')) throw new Error('power cut')
            const result = await value.apply(object, args)
            if (calls === step) throw new Error('power cut')
            return result
          }
        },
      })
    const storeCalls = [
      'document',
      'putDocument',
      'lease',
      'releaseLease',
      'reserve',
      'commit',
      'certificate',
      'abandon',
      'newestEventAt',
    ]
    return { store: dying(store, storeCalls), keyring: dying(keyring, ['create', 'open', 'list']), calls: () => calls }
  }
  const probe = dyingAt(lasting(memoryStore()), memoryKeyring(), Number.POSITIVE_INFINITY, 'before')
  await openFleet({ store: probe.store, keyring: probe.keyring, background })
  const steps = probe.calls()
  expect(steps).toBeGreaterThan(10)
  for (let step = 1; step <= steps; step += 1) {
    for (const when of ['before', 'after'] as const) {
      let now = new Date('2026-11-21T12:00:00Z')
      const store = lasting(memoryStore({ clock: () => now }))
      const keyring = memoryKeyring()
      const dying = dyingAt(store, keyring, step, when)
      const attempt = await openFleet({ ...dying, background, clock: () => now }).then(
        () => 'opened',
        () => 'died',
      )
      // Leases of the dead run out.
      now = new Date(now.getTime() + 120_000)
      const fleet = await openFleet({ store, keyring, background, clock: () => now })
      expect((await keyring.list()).join(), `${attempt} ${when} step ${step}`).toBe('ca,root')
      await fleet.enroll('sensor-1')
      const again = await openFleet({ store, keyring, background, clock: () => now })
      expect(again.trustAnchors).toBe(fleet.trustAnchors)
    }
  }
})
