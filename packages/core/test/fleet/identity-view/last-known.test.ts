import {
  type Fleet,
  type FleetWarning,
  type Keyring,
  memoryKeyring,
  memoryStore,
  openFleet,
  PkiError,
  type Store,
} from '@fleetcert/core'
import { lastKnownWhileStoreIsAway } from '@fleetcert/core/unsafe'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const seconds = 60
const down = new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'down' })
let keyring: Keyring
let base: Store
let mode: 'up' | 'away' | 'hung'
let warnings: FleetWarning[]
let fleet: Fleet

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'], now: new Date('2026-05-01T00:00:00Z') })
  mode = 'up'
  warnings = []
  base = memoryStore()
  keyring = memoryKeyring()
  fleet = await open({ [lastKnownWhileStoreIsAway]: seconds })
})
afterEach(async () => {
  mode = 'up'
  await fleet.close()
  vi.useRealTimers()
})

/** On a store that goes away when it is told to: a server that does so in front of a fleet is in packages/hub/test/processes. */
function open(identityView: NonNullable<Parameters<typeof openFleet>[0]['identityView']>): Promise<Fleet> {
  const store = new Proxy(base, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      // Other fleets use it, too.
      if (name === 'close') return async () => {}
      return (...args: unknown[]) => {
        if (mode === 'away') return Promise.reject(down)
        if (mode === 'hung') return new Promise(() => {})
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  return openFleet({ store, keyring, background: false, identityView, onWarning: warning => warnings.push(warning) })
}

/** Enrolled, identified, kept. */
async function known(deviceId: string, validitySeconds?: number): Promise<{ fingerprint: string }> {
  const { fingerprint } = await fleet.enroll(deviceId, validitySeconds === undefined ? {} : { validitySeconds })
  for (let time = 0; time < 3; time += 1) expect((await fleet.identify({ fingerprint })).status).toBe('active')
  return { fingerprint }
}
/** What was heard of a moment ago does not count as fresh any more. */
function goAway(how: 'away' | 'hung' = 'away'): void {
  mode = how
  vi.advanceTimersByTime(1000)
}
const refusal = { code: 'ERR_PKI_STORE_UNAVAILABLE' }

describe('while the store is away', () => {
  it('nobody is identified, unless the operator chose otherwise', async () => {
    await fleet.close()
    fleet = await open({})
    const evidence = await known('d1')
    goAway()
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
  })

  it('who was known to be good is answered for, and the answer, a warning and a counter say so', async () => {
    const evidence = await known('d1')
    const since = new Date()
    goAway()
    for (let time = 0; time < 3; time += 1) {
      const answer = await fleet.identify(evidence)
      expect(answer).toMatchObject({ status: 'active', device: { deviceId: 'd1' }, lastKnownAt: since })
    }
    const until = new Date(since.getTime() + seconds * 1000)
    expect(warnings).toEqual([{ type: 'identitiesLastKnown', since, until, error: down }])
    expect(fleet.identityCounters().lastKnown).toBe(3)
  })

  it('it ends after the time that was chosen, and is over when the store is back', async () => {
    const evidence = await known('d1')
    goAway()
    vi.advanceTimersByTime(seconds * 1000 - 1001)
    expect((await fleet.identify(evidence)).status).toBe('active')
    vi.advanceTimersByTime(2)
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
    mode = 'up'
    expect(await fleet.identify(evidence)).not.toHaveProperty('lastKnownAt')
    goAway()
    expect(await fleet.identify(evidence)).toHaveProperty('lastKnownAt')
    expect(warnings).toHaveLength(2)
  })

  it('a machine that slept does not stretch it', async () => {
    const evidence = await known('d1')
    goAway()
    vi.setSystemTime(Date.now() + seconds * 1000)
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
  })

  it('nobody is answered for who was not seen before, or is not good any more', async () => {
    const seen = await known('seen', 60)
    const { fingerprint } = await fleet.enroll('unseen')
    goAway()
    expect((await fleet.identify(seen)).status).toBe('active')
    await expect(fleet.identify({ fingerprint })).rejects.toMatchObject(refusal)
    await expect(fleet.identify({ fingerprint: 'AB'.repeat(32) })).rejects.toMatchObject(refusal)
    vi.advanceTimersByTime(59_000)
    await expect(fleet.identify(seen)).rejects.toMatchObject(refusal)
  })

  it('nobody whom another process revoked, once that was heard of', async () => {
    const [evidence, other] = [await known('d1'), await known('d2')]
    await using there = await openFleet({ store: sharedStore(base), keyring, background: false })
    await there.revoke('d1')
    vi.advanceTimersByTime(1000)
    // Any question hears of all.
    await fleet.identify(other)
    goAway()
    expect((await fleet.identify(other)).status).toBe('active')
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
  })

  it.each(['a device', 'a certificate'])('nobody whom this process has revoked a moment before: %s', async what => {
    const [evidence, other] = [await known('d1'), await known('d2')]
    await fleet.revoke(what === 'a device' ? 'd1' : evidence)
    goAway()
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
    expect((await fleet.identify(other)).status).toBe('active')
  })

  it('nobody whose revocation failed: it may have been done', async () => {
    const [evidence, other] = [await known('d1'), await known('d2')]
    goAway()
    expect((await fleet.identify(evidence)).status).toBe('active')
    await expect(fleet.revoke('d1')).rejects.toMatchObject(refusal)
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
    expect((await fleet.identify(other)).status).toBe('active')
  })

  it('nobody at all once many were to be revoked', async () => {
    const evidence = await known('d1')
    await fleet.enroll('bobs', { owner: 'bob' })
    await fleet.revokeAll({ owner: 'bob' })
    goAway()
    await expect(fleet.identify(evidence)).rejects.toMatchObject(refusal)
    mode = 'up'
    expect((await fleet.identify(evidence)).status).toBe('active')
    goAway()
    expect((await fleet.identify(evidence)).status).toBe('active')
  })

  it('a store that says nothing is waited for once, and asked meanwhile whether it is back', async () => {
    const evidence = await known('d1')
    goAway('hung')
    expect(await fleet.identify(evidence)).toHaveProperty('lastKnownAt')
    expect(warnings).toMatchObject([{ type: 'identitiesLastKnown', error: undefined }])
    expect(await fleet.identify(evidence)).toHaveProperty('lastKnownAt')
  })

  it('those who are decided from memory alone are answered for, too', async () => {
    const evidence = await known('d1')
    goAway()
    await fleet.identify(evidence)
    expect(await fleet.identify(evidence, { fromMemory: true })).toHaveProperty('lastKnownAt')
    await expect(fleet.identify(evidence, { withDer: true })).rejects.toMatchObject(refusal)
  })
})

it.each([0, 601, 1.5, Number.NaN, '60'])('%s is no such time', async value => {
  await expect(open({ [lastKnownWhileStoreIsAway]: value as number })).rejects.toThrow(RangeError)
})

/** The same data for another process, which leaves it open. */
function sharedStore(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (name === 'close' || name === Symbol.asyncDispose) return async () => {}
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
