import { createHash } from 'node:crypto'
import type { PinnedCertificate, Reservation, Store } from '@fleetcert/core'
import fc from 'fast-check'
import { vi } from 'vitest'
import { createIdentityView, type IdentityView } from '../../../src/fleet/identity-view/identity-view.ts'
import { createIssuerSet } from '../../../src/fleet/issuers/issuer-set.ts'
import { createLedgerWatch, type LedgerWatch } from '../../../src/revocation/ledger-watch.ts'
import { noticingStore } from '../../../src/revocation/noticing-store.ts'

/** A process: what it asks, and what it changes. */
export interface Site {
  readonly view: IdentityView
  readonly store: Store
}

export const now: Date = new Date('2026-11-21T12:00:00Z')
const day = 86_400_000

/** A fleet whose CAs stay as they are. */
const set = createIssuerSet(
  { format: 2, phase: 'ready', crlVersion: 1, createdAt: now.toISOString(), authorities: [] },
  1,
  () => {
    throw new Error('no CA')
  },
  [],
)
const issuers = { current: set, isFresh: () => true, isBehind: () => false, fresh: () => set }

/** What a fleet makes of a store, with a watch that may be spoilt. */
export function openSite(
  store: Store,
  options: {
    readonly clock?: () => Date
    readonly spoil?: (watch: LedgerWatch) => LedgerWatch
    readonly cacheBytes?: number
    readonly cacheEntries?: number
  } = {},
): Site {
  const { clock = () => now, spoil = watch => watch, cacheBytes = 2 ** 24, cacheEntries = 1000 } = options
  const watch = spoil(createLedgerWatch(store))
  return {
    view: createIdentityView({ store, clock, watch, issuers, options: { cacheBytes, cacheEntries } }),
    store: noticingStore(store, watch),
  }
}

const sha256 = (data: string | Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest())
const issuerKeyId = 'ab'.repeat(32)

/** A certificate for a store, to which all are octets: number `index` of its device. */
export function pinned(deviceId: string, index = 0, overrides: Partial<PinnedCertificate> = {}): PinnedCertificate {
  const der = new Uint8Array(Buffer.from(`certificate ${index} of ${deviceId}`))
  return {
    id: { issuerKeyId, serialNumber: Buffer.from(sha256(der)).toString('hex', 0, 16) },
    role: 'device',
    profile: 'pinned',
    deviceId,
    publicKeyHash: sha256(`key ${index} of ${deviceId}`),
    notBefore: new Date(now.getTime() - day),
    notAfter: new Date(now.getTime() + day),
    shard: 0,
    createdAt: now,
    der,
    fingerprint: sha256(der),
    ...overrides,
  }
}

export async function enrol(store: Store, certificate: PinnedCertificate): Promise<void> {
  const { deviceId, id } = certificate
  await store.register(certificate, [{ type: 'registered', at: now, deviceId: deviceId!, certificate: id }])
}

/** Whether there was something to end. */
export async function end(store: Store, { id, deviceId }: PinnedCertificate, isHold = false): Promise<boolean> {
  const reason = isHold ? 'certificateHold' : 'unspecified'
  const event = { type: isHold ? 'held' : 'revoked', at: now, deviceId: deviceId!, certificate: id } as const
  return (await store.revoke(id, { revocationDate: now, reason }, [event])) !== undefined
}

/** The serial numbers of what it ended. */
export async function endDevice(store: Store, { deviceId }: PinnedCertificate): Promise<readonly string[]> {
  const event = { type: 'revoked', at: now, deviceId: deviceId! } as const
  const ids = await store.revokeDevice(deviceId!, { revocationDate: now, reason: 'unspecified' }, event)
  return ids.map(({ serialNumber }) => serialNumber)
}

export async function release(store: Store, { id, deviceId }: PinnedCertificate): Promise<void> {
  await store.release(id, [{ type: 'released', at: now, deviceId: deviceId!, certificate: id }])
}

/** Renews it, and it is superseded at once. Its event names the new certificate alone. */
export async function renew(store: Store, certificate: PinnedCertificate, generation: number): Promise<boolean> {
  const { fingerprint, deviceId, der: _, ...subject } = certificate
  const tbsCertificate = new Uint8Array(Buffer.from(`renewed ${generation} of ${deviceId}`))
  const id = { issuerKeyId, serialNumber: Buffer.from(sha256(tbsCertificate)).toString('hex', 0, 16) }
  const reservation: Reservation = {
    ...subject,
    id,
    deviceId: deviceId!,
    publicKeyHash: sha256(tbsCertificate),
    tbsCertificate,
    holder: { instance: 'one', leaseUntil: new Date(now.getTime() + day) },
    expect: { supersedes: fingerprint, at: now },
  }
  if ((await store.reserve(reservation, [])) !== 'reserved') return false
  const event = { type: 'renewed', at: now, deviceId: deviceId!, certificate: id } as const
  return (await store.commit(id, tbsCertificate, [event])) === 'committed'
}

/** Another process hears of a change by then. */
const heardWithin = 1000

export const steps = ['identify', 'enrol', 'revoke', 'hold', 'release', 'revokeDevice', 'renew', 'time'] as const
/** What one of several callers does next, where, and with which certificate. */
export interface Step {
  readonly step: (typeof steps)[number]
  readonly site: 0 | 1
  readonly certificate: 0 | 1 | 2
  readonly milliseconds: number
}

export const plan: fc.Arbitrary<readonly (readonly Step[])[]> = fc.array(
  fc.array(
    fc.record({
      // Mostly questions.
      step: fc.oneof(
        { weight: 5, arbitrary: fc.constant('identify' as const) },
        { weight: 1, arbitrary: fc.constant('time' as const) },
        { weight: 3, arbitrary: fc.constantFrom(...steps) },
      ),
      site: fc.constantFrom(0 as const, 1 as const),
      certificate: fc.constantFrom(0 as const, 1 as const, 2 as const),
      milliseconds: fc.constantFrom(10, 300, 600, 1100),
    }),
    { minLength: 2, maxLength: 8 },
  ),
  { minLength: 2, maxLength: 4 },
)

/** Something that was done and answered, so that it must be heeded: at once where it was done, a second later elsewhere. */
interface Promised {
  readonly site: number
  readonly since: number
  /** How often the certificate's hold had been taken back, or was about to be: it stands no longer than that. `undefined`: for good. */
  readonly releases?: number
}

/**
 * Runs the plan's callers against two processes, each with its way to one store, whose calls and answers come in the scheduler's order. Throws when somebody is let in, or shut out, who must not be. Resolves how many were answered from memory.
 * `performance` must be fake.
 */
export async function race(
  scheduler: fc.Scheduler,
  callers: readonly (readonly Step[])[],
  { stores, spoil }: { readonly stores: readonly [Store, Store]; readonly spoil?: (watch: LedgerWatch) => LedgerWatch },
): Promise<number> {
  const sites = stores.map(store => openSite(scheduledStore(store, scheduler), spoil && { spoil }))
  // Two of one device, and one of another.
  const certificates = [pinned('a', 0), pinned('a', 1), pinned('b')]
  for (const certificate of certificates.slice(1)) await enrol(stores[0], certificate)
  const ended: Promised[][] = certificates.map(() => [])
  const enrolled: Promised[][] = certificates.map(() => [])
  for (const list of enrolled.slice(1)) list.push({ site: -1, since: performance.now() - heardWithin })
  /** Whether anybody has begun to end it. */
  const touched = certificates.map(() => false)
  const releases = certificates.map(() => 0)
  const releasing = certificates.map(() => 0)
  let generation = 0

  const mustBeHeeded = (promises: readonly Promised[], index: number, site: number, asked: number): boolean =>
    promises.some(
      ({ since, site: at, releases: before }) =>
        (before === undefined || before === releases[index]) && (at === site || asked - since >= heardWithin),
    )
  const isEnded = (index: number, site: number): void => {
    ended[index]!.push({ site, since: performance.now() })
  }

  const perform = async ({ step, site, certificate: index, milliseconds }: Step): Promise<void> => {
    const certificate = certificates[index]!
    const { view, store: changing } = sites[site]!
    switch (step) {
      case 'time':
        return void vi.advanceTimersByTime(milliseconds)
      case 'enrol':
        await enrol(changing, certificate)
        return void enrolled[index]!.push({ site, since: performance.now() })
      case 'revoke':
        touched[index] = true
        if (await end(changing, certificate)) isEnded(index, site)
        return
      case 'hold': {
        touched[index] = true
        // A release that is under way may come behind it.
        const before = releasing[index]! > 0 ? Number.NaN : releases[index]!
        if (await end(changing, certificate, true)) {
          ended[index]!.push({ site, since: performance.now(), releases: before })
        }
        return
      }
      case 'release':
        releases[index]! += 1
        releasing[index]! += 1
        await release(changing, certificate)
        releasing[index]! -= 1
        return
      case 'revokeDevice': {
        for (const [other, { deviceId }] of certificates.entries()) touched[other] ||= deviceId === certificate.deviceId
        const serialNumbers = await endDevice(changing, certificate)
        for (const [other, { id }] of certificates.entries()) {
          if (serialNumbers.includes(id.serialNumber)) isEnded(other, site)
        }
        return
      }
      case 'renew':
        touched[index] = true
        generation += 1
        if (await renew(changing, certificate, generation)) isEnded(index, site)
        return
      case 'identify': {
        const asked = performance.now()
        const mustBeKnown = mustBeHeeded(enrolled[index]!, index, site, asked)
        const before = ended[index]!.filter(promise => mustBeHeeded([promise], index, site, asked))
        const { status } = await view.identify({ fingerprint: Buffer.from(certificate.fingerprint).toString('hex') })
        // Of what was ended before it was asked for, and was not let go meanwhile.
        const mustBeEnded = mustBeHeeded(before, index, site, asked)
        if (mustBeEnded && status === 'active') throw new Error(`${index} is let in after its end`)
        if (mustBeKnown && status === 'unknown') throw new Error(`${index} is unknown after its enrolment`)
        if (mustBeKnown && !touched[index] && status !== 'active')
          throw new Error(`${index} is ${status} for no reason`)
      }
    }
  }
  await scheduler.waitFor(
    Promise.all(
      callers.map(async steps => {
        for (const step of steps) await perform(step)
      }),
    ),
  )
  return sites.reduce((sum, { view }) => sum + view.counters().hits, 0)
}

/** Each call waits for its turn before it goes in, and its answer before it comes out. */
function scheduledStore(store: Store, scheduler: fc.Scheduler): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || typeof name !== 'string') return value
      return async (...args: unknown[]) => {
        await scheduler.schedule(Promise.resolve(), name)
        try {
          return await (value as (...args: unknown[]) => unknown).apply(target, args)
        } finally {
          await scheduler.schedule(Promise.resolve(), `${name} answers`)
        }
      }
    },
  })
}
