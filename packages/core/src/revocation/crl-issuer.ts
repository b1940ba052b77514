import { type IoOptions, isPkiError, PkiError } from '@fleetcert/x509'
import { checkedNow } from '../authority/check-clock.ts'
import type { Issuer } from '../authority/issuer.ts'
import type { SignedCrl } from '../fleet/fleet.ts'
import type { CrlHead, CrlName, CrlParts, CrlScope, CrlState, Lease, Store } from '../store/store.ts'
import { type BuiltCrls, buildCrls, type PreviousCrl } from './crl-build.ts'
import { createCrlCache } from './crl-cache.ts'
import { decodeCrlNote } from './crl-note.ts'
import { createPause } from './crl-pause.ts'
import { outOfDate, toSignedCrl } from './crl-signed.ts'
import { releaseOctets } from './release-octets.ts'
import { untilAborted } from './until-aborted.ts'

/** How long CRLs last. */
export interface CrlTimes {
  /** thisUpdate to nextUpdate. */
  readonly validitySeconds: number
  /** A new one is made when less than this is left. */
  readonly overlapSeconds: number
}

/** Why a new CRL is due: there is none, revocations or settings have changed since, or it is about to age. */
export type CrlDue = 'missing' | 'changed' | 'ageing'

/** One CA's CRLs. */
export interface CrlIssuer {
  readonly issuerKeyId: string
  /**
   * The current CRL of a shard; made anew when there is none, when a revocation came after it, or when it is about to age. Where that fails and the last one has not ended, the last one, and it says so.
   */
  current(name: Omit<CrlName, 'issuerKeyId'>, options?: IoOptions): Promise<SignedCrl>
  /** Whether a new one is due. O(1). */
  due(shard: number, options?: IoOptions): Promise<{ readonly why?: CrlDue; readonly nextUpdate?: Date }>
  /** Makes a new one now, unless none is due or another process is at it. */
  publish(shard: number): Promise<void>
}

export interface CrlIssuerContext {
  readonly store: Store
  readonly issuer: Issuer
  /** Holder of the building lease. */
  readonly instance: string
  readonly clock: () => Date
  readonly times: CrlTimes
  /** `undefined`: no delta CRLs. */
  readonly deltaTimes: CrlTimes | undefined
  /** What the IDP names. Empty: it says `onlyContains…` instead. */
  readonly urls: (shard: number) => readonly string[]
  /** What FreshestCRL names. */
  readonly deltaUrls: (shard: number) => readonly string[]
  /**
   * What the CA has issued. `cas`: a root's CRL, whose IDP says onlyContainsCACerts and no URL, for the root certificate carries none (OpenSSL's error 44). `endEntities`: it names URLs, or says onlyContainsUserCerts.
   * `all`: a CA that is its own root and has issued end entities; whoever checks the whole chain looks the root up in its own CRL, too, so it has no IDP.
   */
  readonly about: 'cas' | 'endEntities' | 'all'
  /** Version of what decides the extensions: a CRL made under a lower one is made anew. */
  readonly settings: number
  /** Ends what is being built. */
  readonly closed: AbortSignal
  /** Told when {@link CrlIssuer.current} answers with the last CRL because no new one could be made. */
  readonly onFailure: (scope: CrlScope, error: unknown) => void
}

const leaseSeconds = 60
const renewMilliseconds = 15_000
const lookMilliseconds = 50
/** How long another process is waited for that builds: briefly where the last CRL still holds; else until the lease of a dead one has run out. */
const patienceMilliseconds = { withLast: 2000, without: (leaseSeconds + 5) * 1000 }
const clockToleranceMilliseconds = 5000
/** The longest that timers can. */
const longestDelay = 2 ** 31 - 1

export function createCrlIssuer(context: CrlIssuerContext): CrlIssuer {
  const { store, issuer, clock } = context
  const building = new Map<number, Promise<void>>()
  const cache = createCrlCache()

  const load = async (name: CrlName, head: CrlHead, options?: IoOptions): Promise<SignedCrl | undefined> => {
    const known = cache.get(name, head)
    if (known !== undefined) return known
    const parts = await store.crl(name, options)
    return parts === undefined ? undefined : cache.put(name, toSignedCrl(name, parts))
  }

  const build = (scope: CrlScope): Promise<void> => {
    const running = building.get(scope.shard)
    if (running !== undefined) return running
    const work = buildUnderLease(context, scope, {
      async previous(state, options) {
        const known = state.full && cache.take(scope, state.full)
        if (known !== undefined && state.full !== undefined) return { ...state.full, parts: known.parts }
        const read = await store.crl(scope, options)
        return read && { ...read, release: () => releaseOctets(read.parts) }
      },
      built({ full, delta }) {
        cache.put(scope, toSignedCrl(scope, full))
        if (delta !== undefined) cache.put({ ...scope, delta: true }, toSignedCrl({ ...scope, delta: true }, delta))
      },
    }).finally(() => building.delete(scope.shard))
    building.set(scope.shard, work)
    return work
  }

  /** The last CRL where it has not ended: a new one is wanted, and cannot be had. */
  const last = async (name: CrlName, options: IoOptions): Promise<SignedCrl | undefined> => {
    const head = headOf(await store.crlState(name, options), name)
    if (head === undefined || !holds(head, clock())) return undefined
    return load(name, head, options)
  }

  return {
    issuerKeyId: issuer.keyId,

    async current({ shard, delta = false }, options: IoOptions = {}): Promise<SignedCrl> {
      const scope = { issuerKeyId: issuer.keyId, shard }
      const name = { ...scope, delta }
      // Whether one was made that was begun after this call: whatever was revoked since, it says all that the caller may know of.
      let isMade = false
      for (;;) {
        options.signal?.throwIfAborted()
        const state = await store.crlState(scope, options)
        const head = headOf(state, name)
        if (head !== undefined && (isMade || dueOf(context, state) === undefined)) {
          const crl = await load(name, head, options)
          if (crl !== undefined) return crl
        }
        try {
          // Many ask, one builds. What runs already may have begun before a revocation that this caller knows of, so it is looked at again.
          const isOwn = !building.has(shard)
          await untilAborted(heldOpen(build(scope)), options.signal)
          isMade = isOwn
        } catch (error) {
          options.signal?.throwIfAborted()
          if (isPkiError(error, 'ERR_PKI_CLOCK') || isPkiError(error, 'ERR_PKI_CLOSED')) throw error
          const crl = await last(name, options).catch(() => undefined)
          if (crl === undefined) throw error
          context.onFailure(scope, error)
          return outOfDate(crl)
        }
      }
    },

    async due(shard, options) {
      const state = await store.crlState({ issuerKeyId: issuer.keyId, shard }, options)
      const why = dueOf(context, state)
      return {
        ...(why === undefined ? {} : { why }),
        ...(state.full === undefined ? {} : { nextUpdate: state.full.nextUpdate }),
      }
    },

    publish: shard => build({ issuerKeyId: issuer.keyId, shard }),
  }
}

function headOf(state: CrlState, { delta = false }: CrlName): CrlHead | undefined {
  return delta ? state.delta : state.full
}

/** Why the CRLs of a scope must be made anew, if they must. */
function dueOf(context: CrlIssuerContext, { position, full, delta }: CrlState): CrlDue | undefined {
  const { times, deltaTimes, settings } = context
  const now = context.clock()
  const isMissing = full === undefined || (deltaTimes !== undefined && delta?.crlNumber !== full.crlNumber)
  if (isMissing) return 'missing'
  const note = decodeCrlNote(full.note)
  if (note === undefined || note.position !== position || note.settings < settings) return 'changed'
  const isOld = isAging(full, times, now) || (deltaTimes !== undefined && isAging(delta!, deltaTimes, now))
  return isOld ? 'ageing' : undefined
}

function isAging({ thisUpdate, nextUpdate }: CrlHead, { overlapSeconds }: CrlTimes, now: Date): boolean {
  // One from the future was made while the clock was wrong.
  if (thisUpdate.getTime() > now.getTime() + clockToleranceMilliseconds) return true
  return nextUpdate.getTime() - now.getTime() < overlapSeconds * 1000
}

function holds({ thisUpdate, nextUpdate }: CrlHead, now: Date): boolean {
  return thisUpdate.getTime() <= now.getTime() + clockToleranceMilliseconds && nextUpdate > now
}

interface Hooks {
  previous(state: CrlState, options: IoOptions): Promise<PreviousCrl | undefined>
  built(crls: BuiltCrls): void
}

/** Returns when the scope's CRLs are as they should be, made here or by another process. */
async function buildUnderLease(context: CrlIssuerContext, scope: CrlScope, hooks: Hooks): Promise<void> {
  const { store, instance, clock, closed } = context
  const options = { signal: closed }
  await checkedNow(store, clock, options)
  const leaseName = `crl-${scope.issuerKeyId}-${scope.shard}`
  for (let looks = 0; ; looks += 1) {
    closed.throwIfAborted()
    const lease = await store.lease(leaseName, instance, leaseSeconds, options)
    if (lease !== undefined) {
      try {
        if (await buildWith(context, scope, lease, hooks, options)) return
      } finally {
        await store.releaseLease(lease).catch(() => {})
      }
    }
    // Another process builds, or has just published: take its result.
    const state = await store.crlState(scope, options)
    if (dueOf(context, state) === undefined) return
    const patience = state.full !== undefined && holds(state.full, clock()) ? 'withLast' : 'without'
    if (looks * lookMilliseconds > patienceMilliseconds[patience]) {
      throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'another process holds the CRL lease' })
    }
    await new Promise(resolve => setTimeout(resolve, lookMilliseconds).unref())
  }
}

/** Nothing that is done in the background keeps the process alive; what somebody waits for does. */
async function heldOpen<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, longestDelay)
  try {
    return await work
  } finally {
    clearInterval(hold)
  }
}

/** `false`: another process has published in between, or has taken the lease. */
async function buildWith(
  context: CrlIssuerContext,
  scope: CrlScope,
  lease: Lease,
  hooks: Hooks,
  options: IoOptions,
): Promise<boolean> {
  const { store, clock } = context
  // Under the lease: whoever had it before may have made what is wanted.
  const state = await store.crlState(scope, options)
  if (dueOf(context, state) === undefined) return true
  const pause = createPause(keepLease(context, lease, options))
  const built = await buildCrls(context, scope, state, () => hooks.previous(state, options), pause, options)
  if (built === undefined) return false
  const put = (crl: CrlParts, delta: boolean): Promise<boolean> =>
    store.putCrl(
      delta ? { ...scope, delta } : scope,
      crl,
      lease,
      [
        {
          type: 'crlPublished',
          at: clock(),
          details: { ...scope, crlNumber: crl.crlNumber.toString(), ...(delta ? { delta } : {}) },
        },
      ],
      options,
    )
  // The full one first: the base that a delta CRL names has been published.
  if (!(await put(built.full, false))) return false
  if (built.delta !== undefined && !(await put(built.delta, true))) return false
  hooks.built(built)
  return true
}

/** Renews the lease while a build takes long. */
function keepLease({ store, instance }: CrlIssuerContext, lease: Lease, options: IoOptions): () => Promise<void> {
  let renewed = performance.now()
  return async () => {
    options.signal?.throwIfAborted()
    if (performance.now() - renewed < renewMilliseconds) return
    renewed = performance.now()
    const own = await store.lease(lease.name, instance, leaseSeconds, options)
    if (own?.fence !== lease.fence) {
      throw new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason: 'another process took the CRL lease' })
    }
  }
}
