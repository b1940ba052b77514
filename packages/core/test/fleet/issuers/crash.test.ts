import { type Fleet, type Keyring, memoryKeyring, memoryStore, openFleet, type Store } from '@fleetcert/core'
import { expect, it } from 'vitest'
import { issuersOf, lasting } from './bench.ts'

interface Dying {
  readonly store: Store
  readonly keyring: Keyring
  /** From now on calls are counted, and the process dies at the one that was given. */
  arm(): void
  readonly calls: () => number
}

const storeCalls = ['document', 'putDocument', 'lease', 'releaseLease', 'reserve', 'commit', 'certificate', 'abandon']
const moreCalls = ['newestEventAt', 'crlState', 'putCrl', 'revoke', 'certificates']

/** Dies before or after the call of that number: nothing that comes later has any effect. */
function dyingAt(store: Store, keyring: Keyring, step: number, when: 'before' | 'after'): Dying {
  let calls = 0
  let isArmed = false
  const dying = <T extends object>(target: T, names: readonly string[]): T =>
    new Proxy(target, {
      get(object, name, receiver) {
        const value = Reflect.get(object, name, receiver)
        if (typeof value !== 'function' || !names.includes(String(name))) return value
        return async (...args: unknown[]) => {
          if (!isArmed) return value.apply(object, args)
          calls += 1
          if (calls > step || (calls === step && when === 'before')) throw new Error('power cut')
          const result = await value.apply(object, args)
          if (calls === step) throw new Error('power cut')
          return result
        }
      },
    })
  return {
    store: dying(store, [...storeCalls, ...moreCalls]),
    keyring: dying(keyring, ['create', 'open', 'list']),
    arm: () => {
      isArmed = true
    },
    calls: () => calls,
  }
}

/** What is to be done, and what must be so once it was done, however often it was begun. */
interface Scene {
  readonly name: string
  prepare(fleet: Fleet): Promise<void>
  act(fleet: Fleet): Promise<unknown>
  readonly states: readonly string[]
  readonly keys: string
}

const both = ['root retiring', 'issuingCa retiring', 'root active', 'issuingCa active']
const scenes: readonly Scene[] = [
  {
    name: 'announce a root',
    prepare: async () => {},
    act: fleet => fleet.rollover('announce', { root: true }),
    states: ['root active', 'issuingCa active', 'root announced', 'issuingCa announced'],
    keys: 'ca,ca-2,root,root-2',
  },
  {
    name: 'issue',
    prepare: async fleet => {
      await fleet.rollover('announce', { root: true })
    },
    act: fleet => fleet.rollover('issue'),
    states: both,
    keys: 'ca,ca-2,root,root-2',
  },
  {
    name: 'retire',
    prepare: async fleet => {
      await fleet.rollover('announce', { root: true })
      await fleet.rollover('issue')
    },
    act: fleet => fleet.rollover('retire'),
    states: both.map(state => state.replace('retiring', 'retired')),
    keys: 'ca,ca-2,root,root-2',
  },
  {
    name: 'revoke the issuing CA',
    prepare: async () => {},
    async act(fleet) {
      const issuing = (await issuersOf(fleet)).find(({ role }) => role === 'issuingCa')!
      await (await fleet.revokeIssuer(issuing.issuerKeyId)).enforced
    },
    states: ['root active', 'issuingCa revoked', 'issuingCa active'],
    keys: 'ca,ca-2,root',
  },
]

it.each(scenes)('$name: dies at any step, is asked for again, and is done once', async scene => {
  const run = async (step: number, when: 'before' | 'after'): Promise<number> => {
    let now = new Date('2026-11-21T12:00:00Z')
    const store = lasting(memoryStore({ clock: () => now }))
    const keyring = memoryKeyring()
    const open = ({ store, keyring }: { store: Store; keyring: Keyring }): Promise<Fleet> =>
      openFleet({ store, keyring, background: false, clock: () => now })
    const dying = dyingAt(store, keyring, step, when)
    const first = await open(dying)
    await scene.prepare(first)
    // Everybody has heard of it long since: `retire` need not wait.
    now = new Date(now.getTime() + 600_000)
    dying.arm()
    const attempt = await scene.act(first).then(
      () => 'done',
      () => 'died',
    )
    const calls = dying.calls()
    // Leases of the dead run out.
    now = new Date(now.getTime() + 120_000)
    const fleet = await open({ store, keyring })
    await scene.act(fleet)
    const label = `${attempt} ${when} step ${step}`
    const issuers = await issuersOf(fleet)
    expect(
      issuers.map(({ role, state }) => `${role} ${state}`),
      label,
    ).toEqual(scene.states)
    expect((await keyring.list()).join(), label).toBe(scene.keys)
    const credential = await fleet.enroll('sensor-1')
    expect(credential.issuerKeyId, label).toBe(
      issuers.find(({ role, state }) => role === 'issuingCa' && state === 'active')!.issuerKeyId,
    )
    // Each root that certifies another has done so once.
    for (const { crossCertificates } of issuers)
      expect(crossCertificates.match(/BEGIN/g)?.length ?? 0, label).toBeLessThanOrEqual(1)
    for (const { issuerKeyId, state } of issuers) {
      if (state !== 'revoked') expect((await fleet.crl({ issuerKeyId })).upToDate, label).toBe(true)
    }
    return calls
  }
  const steps = await run(Number.POSITIVE_INFINITY, 'before')
  expect(steps).toBeGreaterThan(4)
  for (let step = 1; step <= steps; step += 1) {
    await run(step, 'before')
    await run(step, 'after')
  }
})
