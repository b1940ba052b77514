import { copyFleet, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'], now: new Date('2026-05-01T00:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A server that after a failover has lost its latest entries: on real ones in packages/store-redis/test/fleet-faults.test.ts. */
it.each([0, 1, 2, 5])(
  'hears of what a store tells that has lost its latest entries, and has %i others since',
  async more => {
    const keyring = memoryKeyring()
    const former = memoryStore()
    const later = memoryStore()
    let now: Store = former
    const store = new Proxy(former, {
      get(_, name) {
        if (name === 'close') return async () => {}
        const value: unknown = Reflect.get(now, name)
        return typeof value === 'function' ? value.bind(now) : value
      },
    })
    const other = await openFleet({ store, keyring, background: false })
    const fleet = await openFleet({ store, keyring, background: false })
    const { fingerprint } = await other.enroll('device')
    const identify = async (): Promise<string> => {
      vi.advanceTimersByTime(1000)
      return (await fleet.identify({ fingerprint })).status
    }
    for (let time = 0; time < 3; time += 1) expect(await identify()).toBe('active')
    await copyFleet(former, later)
    await later.changeState('receiving', 'open')
    await other.enroll('lost')
    expect(await identify()).toBe('active')

    now = later
    await other.revoke({ fingerprint })
    for (let count = 0; count < more; count += 1) await other.enroll(`more-${count}`)
    expect(await identify()).toBe('revoked')
    expect(await identify()).toBe('revoked')
    // And goes on with it.
    await other.enroll('next')
    expect(await identify()).toBe('revoked')
    await fleet.close()
    await other.close()
  },
)
