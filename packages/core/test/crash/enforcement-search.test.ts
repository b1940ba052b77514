import { type Enforcer, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EnforcerFollower, followEnforcer } from '../../src/revocation/enforcement/follow-enforcer.ts'
import { createProcess, type Fault, type FaultyProcess } from './faulty-process.ts'
import { createObservations } from './observations.ts'
import { makeSpareKeys, type SpareKeys } from './spare-keys.ts'
import { createVirtualClock, type VirtualClock } from './world.ts'

// Whatever befalls whichever call of the process that enforces: every revocation is enforced after it was made, and has one receipt.

const faults: readonly Fault[] = ['cutBefore', 'cutAfter', 'replyLost', 'refused', 'late']
const revoked = ['sensor-1', 'sensor-2', 'sensor-3']
let keys: SpareKeys
let points = 0
beforeAll(async () => {
  keys = await makeSpareKeys(10)
})
afterAll(() => {
  console.info(`crash search: enforcement, ${points} runs`)
})

interface Scene {
  readonly clock: VirtualClock
  readonly store: Store
  /** Device ids in the order in which they were silenced, by whichever process. */
  readonly silenced: string[]
  readonly enforcer: { -readonly [Key in keyof Enforcer]: Enforcer[Key] }
  start(): { readonly process: FaultyProcess; readonly follower: EnforcerFollower }
}

async function scene(shared: boolean): Promise<Scene> {
  const clock = createVirtualClock()
  const store = memoryStore({ clock: () => clock.now() })
  const keyring = keys.keyring()
  const lasting: Store = { ...store, close: async () => {}, [Symbol.asyncDispose]: async () => {} }
  const csr = keys.requests()
  await using fleet = await openFleet({ store: lasting, keyring, background: false, clock: () => clock.now() })
  for (const id of [...revoked, 'sensor-4']) await fleet.enroll(id, { csr: csr() })
  await fleet.renew('sensor-1', { csr: csr() })
  for (const id of revoked) {
    clock.advance(1)
    await fleet.revoke(id)
  }
  // Enrolled again: silenced all the same, for its old session may be there.
  await fleet.enroll('sensor-2', { csr: csr() })
  const silenced: string[] = []
  let failures = 1
  const enforcer: Scene['enforcer'] = {
    name: 'broker',
    shared,
    async silence({ deviceId }) {
      silenced.push(deviceId)
      if (deviceId === 'sensor-3' && failures-- > 0) throw new Error('the broker is down')
      return 'gone'
    },
  }
  let count = 0
  return {
    clock,
    store,
    silenced,
    enforcer,
    start() {
      const process = createProcess({ store, keyring, observations: createObservations() })
      const follower = followEnforcer({
        store: process.store,
        clock: () => clock.now(),
        enforcer,
        holder: `process-${++count}`,
        isDouble: false,
        attemptSeconds: 5,
        closed: new AbortController().signal,
        onWarning: () => {},
        recent: () => undefined,
        place: Promise.resolve(''),
        firstPauseMilliseconds: 0,
      })
      return { process, follower }
    },
  }
}

/** Looks until nothing is left to do: what was begun is done between two looks. */
async function work(follower: EnforcerFollower, looks = 6): Promise<void> {
  for (let look = 0; look < looks; look++) {
    await follower.look()
    await new Promise(resolve => setImmediate(resolve))
  }
}

async function receiptsOf(store: Store): Promise<string[]> {
  const { items } = await store.ledger({ after: '', limit: 1000 })
  return items.flatMap(({ type, deviceId }) => (type === 'enforced' ? [deviceId!] : [])).sort()
}

describe.each([true, false])('an enforcer that is shared: %s', shared => {
  it('gives one receipt for each device where nothing happens', async () => {
    const { start, store, silenced } = await scene(shared)
    const { follower } = start()
    await work(follower)
    expect(await receiptsOf(store)).toEqual(revoked)
    expect(silenced.toSorted()).toEqual(['sensor-1', 'sensor-2', 'sensor-3', 'sensor-3'])
    await follower.close()
    // And none by whoever comes next.
    const next = start()
    await work(next.follower)
    expect(await receiptsOf(store)).toEqual(revoked)
    expect(silenced).toHaveLength(4)
  })

  it.each(faults)('gives one receipt for each device whatever call meets %s', async fault => {
    const first = (await scene(shared)).start()
    first.process.arm()
    await work(first.follower)
    await first.follower.close()
    const calls = first.process.calls.length
    expect(calls).toBeGreaterThan(5)
    for (let at = 1; at <= calls; at++) {
      points += 1
      const { start, store, clock, silenced } = await scene(shared)
      const { process, follower } = start()
      process.arm({ at, fault })
      await work(follower)
      await follower.close()
      await process.settle()
      clock.advance(60)
      // Another one takes over, finishes what is left, and tells nothing twice.
      const next = start()
      await work(next.follower)
      const where = `${fault} at call ${at}, ${first.process.calls[at - 1]}`
      expect(await receiptsOf(store), where).toEqual(revoked)
      for (const id of revoked) expect(silenced, where).toContain(id)
      expect(silenced, where).not.toContain('sensor-4')
    }
  })

  it.each(['before', 'after'])(
    'gives one receipt when what was begun ends %s it is known that another has done it',
    async when => {
      const { start, store, clock, enforcer, silenced } = await scene(shared)
      const { promise, resolve } = Promise.withResolvers<void>()
      const usual = enforcer.silence.bind(enforcer)
      let isSlow = true
      enforcer.silence = async (target, options) => {
        if (isSlow) await promise
        return usual(target, options)
      }
      const a = start()
      await work(a.follower, 2)
      isSlow = false
      clock.advance(60)
      const b = start()
      await work(b.follower)
      await b.follower.close()
      expect(await receiptsOf(store)).toEqual(revoked)
      if (when === 'before') resolve()
      // The first write is refused, then the journal is taken back.
      await work(a.follower, 1)
      clock.advance(60)
      await a.follower.close()
      await work(a.follower, 3)
      resolve()
      await work(a.follower)
      await a.follower.close()
      expect(await receiptsOf(store)).toEqual(revoked)
      expect(silenced.length).toBeGreaterThan(revoked.length)
    },
  )

  it('gives one receipt when two processes work at the same time and one loses its lease', async () => {
    const { start, store, clock } = await scene(shared)
    const [a, b] = [start(), start()]
    await Promise.all([work(a.follower, 1), work(b.follower, 1)])
    clock.advance(60)
    // Time went on, but neither has noticed: b takes the lease over while a still believes in its own.
    const c = start()
    await Promise.all([work(c.follower), work(a.follower), work(b.follower)])
    await Promise.all([work(a.follower), work(c.follower)])
    expect(await receiptsOf(store)).toEqual(revoked)
  })
})
