import { type DeviceCredential, type Fleet, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

// That the fleet's own ways of changing something all lead past what it keeps in memory.

let store: Store
let fleet: Fleet
let other: Fleet
let device: DeviceCredential

const statusAt = async (at: Fleet): Promise<string> => (await at.identify({ fingerprint: device.fingerprint })).status
/** Asked until it is answered from memory. */
async function remember(at: Fleet): Promise<void> {
  const { hits } = at.identityCounters()
  for (let round = 0; round < 5; round += 1) await statusAt(at)
  expect(at.identityCounters().hits).toBeGreaterThan(hits)
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  store = memoryStore()
  const keyring = memoryKeyring()
  const shared = { ...store, close: async () => {} }
  fleet = await openFleet({ store: shared, keyring, background: false })
  other = await openFleet({ store: shared, keyring, background: false })
  device = await fleet.enroll('d1', { owner: 'alice', attributes: { batch: '7' } })
  await remember(fleet)
  await remember(other)
})
afterEach(async () => {
  await fleet.close()
  await other.close()
  vi.useRealTimers()
})

describe('in memory or not,', () => {
  const changes: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['a device that is revoked', () => fleet.revoke('d1'), 'revoked'],
    ['a certificate that is revoked', () => fleet.revoke({ fingerprint: device.fingerprint }), 'revoked'],
    ['an owner whose devices are revoked', () => fleet.revokeAll({ owner: 'alice' }), 'revoked'],
    ['a batch that is', () => fleet.revokeAll({ attribute: { name: 'batch', value: '7' } }), 'revoked'],
    ['a device on hold', () => fleet.revoke('d1', { reason: 'certificateHold' }), 'held'],
    [
      'a device that was on hold',
      async () => {
        await fleet.revoke('d1', { reason: 'certificateHold' })
        await remember(fleet)
        await fleet.release('d1')
      },
      'active',
    ],
    ['a certificate that is renewed', () => fleet.renew('d1', { overlapSeconds: 0 }), 'superseded'],
  ]
  it.each(changes)('%s is known for it at once, and within a second elsewhere', async (_, change, status) => {
    await change()
    expect(await statusAt(fleet)).toBe(status)
    vi.advanceTimersByTime(1000)
    expect(await statusAt(other)).toBe(status)
  })

  it('a renewed certificate ends when the new one is confirmed', async () => {
    const renewed = await fleet.renew('d1', { overlapSeconds: 86_400 })
    await remember(fleet)
    expect(await statusAt(fleet)).toBe('active')
    await fleet.confirm('d1', { fingerprint: renewed.fingerprint, overlapSeconds: 0 })
    expect(await statusAt(fleet)).toBe('superseded')
    vi.advanceTimersByTime(1000)
    expect(await statusAt(other)).toBe('superseded')
  })
})

it('after the fleet is closed nothing is answered from memory', async () => {
  await fleet.close()
  await expect(statusAt(fleet)).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
})

it('refuses bounds that are none', async () => {
  const options = { store: memoryStore(), keyring: memoryKeyring() }
  await expect(openFleet({ ...options, identityView: { cacheBytes: -1 } })).rejects.toThrow(RangeError)
})
