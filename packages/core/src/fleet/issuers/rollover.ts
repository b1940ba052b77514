import { setTimeout } from 'node:timers/promises'
import { checkNames, type IoOptions, type KnownNames, PkiError } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { Lease } from '../../store/store.ts'
import type { FleetParts } from '../create-fleet.ts'
import type { FleetCrls } from '../fleet-crls.ts'
import type { AuthorityRecord } from './authority-record.ts'
import { countDependents } from './dependents.ts'
import type { IssuerOperations, RolloverRequest, RolloverState, RolloverStep } from './issuer-operations.ts'
import type { Authority, IssuerSet } from './issuer-set.ts'
import { isSame, makePlanned, type PlannedParts, replan } from './make-planned.ts'
import {
  changed,
  goingWithRollover,
  planned,
  type RolloverPlan,
  refuse,
  stateWhenIssuing,
  stepped,
} from './rollover-plan.ts'
import type { RolloverRecord } from './rollover-record.ts'

const leaseName = 'rollover'
const leaseSeconds = 60
const busySeconds = 5
/** Within which every process follows a change of the CAs: twice as long as it may go by what it has read. */
const heardMilliseconds = 1_000
/** How far the clock of whoever took the last step may be ahead or behind. */
const clockSkewMilliseconds = 300_000

const requestNames: KnownNames<RolloverRequest> = { root: true, crossCertificates: true, force: true }
const steps: readonly RolloverStep[] = ['announce', 'issue', 'retire', 'withdraw']

export interface RolloverParts extends PlannedParts {
  readonly crls: FleetCrls
}

/** The part of a fleet that replaces its CAs. */
export type Rollover = Pick<IssuerOperations, 'rollover' | 'rolloverStatus'> & {
  /** Plans CAs, makes them and announces them, whatever rollover there was; where some are planned, those. */
  readonly prepare: (plan: Omit<RolloverPlan, 'generation'>, lease: Lease, options?: IoOptions) => Promise<IssuerSet>
  /** Runs `work` while no other process changes the CAs. @throws PkiError `ERR_PKI_BUSY` */
  readonly alone: <T>(work: (lease: Lease) => Promise<T>) => Promise<T>
}

export function createRollover(parts: RolloverParts): Rollover {
  const { store, clock, holder, issuers, crls } = parts

  // The lease is this process's: its own calls wait for each other.
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: (lease: Lease) => Promise<T>): Promise<T> => {
    const turn = last.then(() => underLease(work))
    last = turn.catch(() => {})
    return turn
  }
  const underLease = async <T>(work: (lease: Lease) => Promise<T>): Promise<T> => {
    const lease = await store.lease(leaseName, holder.instance, leaseSeconds)
    if (lease === undefined) throw new PkiError('ERR_PKI_BUSY', { retryAfterSeconds: busySeconds })
    try {
      return await work(lease)
    } finally {
      await store.releaseLease(lease).catch(() => {})
    }
  }

  const announce = async (request: RolloverRequest, lease: Lease, options?: IoOptions): Promise<IssuerSet> => {
    const now = await checkedNow(store, clock, options)
    const { document } = await issuers.read(options)
    const { phase, scope } = document.rollover ?? {}
    if (phase === 'issuing') return refuse('the last one is not over: retire comes next')
    // Nobody is to take the next steps for a root that was never announced.
    if (request.root === true && scope === 'issuingCa' && (phase === 'announcing' || phase === 'announced')) {
      return refuse('one of the issuing CA alone is announced: withdraw it, or end it first')
    }
    if (phase === 'announced') return issuers.current
    if (phase !== 'announcing') {
      return prepare(await planOf(issuers.current, request), lease, options, now)
    }
    return finish(lease, options)
  }

  const prepare = async (
    plan: Omit<RolloverPlan, 'generation'>,
    lease: Lease,
    options?: IoOptions,
    at: Date = clock(),
  ): Promise<IssuerSet> => {
    // What a process that died has planned is made, and nothing beside it.
    const { authorities } = issuers.current.document
    const isPlanned = authorities.some(
      ({ role, state, issuedBy }) => role === 'issuingCa' && state === 'planned' && issuedBy,
    )
    if (isPlanned) return finish(lease, options)
    const generation = await freeGeneration(parts, issuers.current)
    await issuers.change(set => planned(set, { ...plan, generation }, at), { ...options, lease })
    return finish(lease, options)
  }

  const finish = async (lease: Lease, options?: IoOptions): Promise<IssuerSet> => {
    await replan(parts, lease, options)
    const made = await makePlanned(parts)
    // One that waits for another's root is announced when its certificate is imported; where it is not alone, another had to be made meanwhile.
    const isWaiting = made.some(({ state }) => state === 'planned')
    if (isWaiting && made.every(({ state }) => state === 'planned')) return issuers.current
    const set = await issuers.change(
      ({ document }) => {
        const records = document.authorities.map(record => made.find(isSame(record)) ?? record)
        const since = clock().toISOString()
        const { scope = 'issuingCa', startedAt = since } = document.rollover ?? {}
        const phase = isWaiting ? 'announcing' : 'announced'
        return changed({ ...document, authorities: records, rollover: { scope, phase, since, startedAt } }, clock())
      },
      { ...options, lease },
    )
    await publish(set)
    return set
  }

  /** Ahead of the first who asks, and while the root's key is at hand. What fails here is tried again by the background. */
  const publish = async (set: IssuerSet): Promise<void> => {
    for (const { state, issuer, record } of set.authorities) {
      if (record.keyName === undefined || state === 'retired' || state === 'revoked') continue
      const scope = { issuerKeyId: issuer.keyId, shard: 0 }
      if ((await store.crlState(scope)).full === undefined) await crls.current(scope).catch(() => {})
    }
  }

  const issue = async (lease: Lease, options?: IoOptions): Promise<IssuerSet> => {
    const now = await checkedNow(store, clock, options)
    const set = await issuers.read(options)
    const { rollover } = set.document
    if (rollover?.phase === 'issuing') return set
    if (rollover?.phase !== 'announced') return refuse('nothing is announced that could issue')
    const issuing = set.authorities.find(({ role, state }) => role === 'issuingCa' && state === 'announced')
    if (issuing === undefined) return refuse('the issuing CA that was announced is gone')
    // Where the key is away, nobody could be given a certificate from then on.
    await issuing.issuer.signer()
    return issuers.change(current => stepped(current, 'issuing', now, stateWhenIssuing(rollover.scope)), {
      ...options,
      lease,
    })
  }

  const retire = async (force: boolean, lease: Lease, options?: IoOptions): Promise<IssuerSet> => {
    const now = await checkedNow(store, clock, options)
    const set = await issuers.read(options)
    const phase = set.document.rollover?.phase
    if (phase === 'retired') return set
    if (phase !== 'issuing') return refuse('the new CA does not issue yet')
    await othersHaveHeard(set.document.rollover?.since, now, options)
    const old = goingWithRollover(set)
    if (!force) await assertUnused(parts, set, record => old.has(record), options)
    return issuers.change(
      current => {
        const going = goingWithRollover(current)
        return stepped(current, 'retired', now, record => (going.has(record) ? 'retired' : undefined))
      },
      { ...options, lease },
    )
  }

  const withdraw = async (lease: Lease, options?: IoOptions): Promise<IssuerSet> => {
    const now = await checkedNow(store, clock, options)
    const set = await issuers.read(options)
    const phase = set.document.rollover?.phase
    if (phase === 'withdrawn') return set
    if (phase !== 'announcing' && phase !== 'announced') return refuse('nothing is announced that does not issue yet')
    // A planned one stays on record as retired, for its number may have been signed.
    const next = ({ state }: AuthorityRecord) => (state === 'planned' || state === 'announced' ? 'retired' : undefined)
    return issuers.change(current => stepped(current, 'withdrawn', now, next), { ...options, lease })
  }

  return {
    prepare,
    alone,

    async rollover(step, request = {}, options) {
      if (!steps.includes(step)) throw new TypeError(`rollover: expected one of ${steps.join(', ')}`)
      checkNames('rollover', request, requestNames)
      const { force = false, root, crossCertificates = true } = request
      if (root !== undefined && typeof root !== 'boolean' && root !== 'external') {
        throw new TypeError("root: expected true, false or 'external'")
      }
      if (typeof force !== 'boolean' || typeof crossCertificates !== 'boolean') {
        throw new TypeError('force, crossCertificates: expected true or false')
      }
      options?.signal?.throwIfAborted()
      const set = await alone(lease => {
        if (step === 'announce') return announce(request, lease, options)
        if (step === 'issue') return issue(lease, options)
        return step === 'retire' ? retire(force, lease, options) : withdraw(lease, options)
      })
      return stateOf(set.document.rollover, set)
    },

    async rolloverStatus(options) {
      const set = await issuers.read(options)
      const { rollover } = set.document
      if (rollover === undefined) return undefined
      const state = stateOf(rollover, set)
      const isOld = (record: AuthorityRecord): boolean =>
        rollover.phase === 'issuing' || rollover.phase === 'retired'
          ? record.role === 'issuingCa' && (record.state === 'retiring' || record.state === 'retired')
          : record.role === 'issuingCa' && record.state === 'active'
      const dependents = await countDependents(parts.recordStore, clock(), issuedBy(set, isOld), options)
      return { ...state, dependents }
    },
  }
}

/** Until no process issues from the old CA any more: a certificate that it makes after the count would be good for nothing. */
export async function othersHaveHeard(since: string | undefined, now: Date, options?: IoOptions): Promise<void> {
  const age = since === undefined ? Number.POSITIVE_INFINITY : now.getTime() - new Date(since).getTime()
  if (age >= clockSkewMilliseconds) return
  await setTimeout(heardMilliseconds)
  options?.signal?.throwIfAborted()
}

/** Whether somebody has what one of these CAs has issued. @throws PkiError `ERR_PKI_ISSUER_IN_USE` */
export async function assertUnused(
  { recordStore, clock }: Pick<FleetParts, 'recordStore' | 'clock'>,
  set: IssuerSet,
  isOld: (record: AuthorityRecord) => boolean,
  options?: IoOptions,
): Promise<void> {
  const { devices, services, servers } = await countDependents(recordStore, clock(), issuedBy(set, isOld), options)
  if (devices + services + servers > 0) throw new PkiError('ERR_PKI_ISSUER_IN_USE', { devices, services, servers })
}

function issuedBy(set: IssuerSet, isOld: (record: AuthorityRecord) => boolean): (issuerKeyId: string) => boolean {
  const old = new Set(set.authorities.filter(({ record }) => isOld(record)).map(({ issuer }) => issuer.keyId))
  return issuerKeyId => old.has(issuerKeyId)
}

function stateOf(rollover: RolloverRecord | undefined, { document }: IssuerSet): RolloverState {
  if (rollover === undefined) throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the rollover vanished' })
  const { scope, phase, since, startedAt } = rollover
  const isAwaitingIssuer = phase === 'announcing' && document.authorities.some(isAwaiting)
  return { scope, phase, since: new Date(since), startedAt: new Date(startedAt), isAwaitingIssuer }
}

/** Whether it waits for the certificate of another's root. */
export function isAwaiting({ role, state, issuedBy }: AuthorityRecord): boolean {
  return role === 'issuingCa' && state === 'planned' && issuedBy === undefined
}

/** Everything that can be missing is looked for before anything is recorded. */
async function planOf(
  set: IssuerSet,
  { root, crossCertificates = true }: RolloverRequest,
): Promise<Omit<RolloverPlan, 'generation'>> {
  if (set.issuing === undefined) return refuse('there is no issuing CA to replace')
  const old = rootOf(set, set.issuing)
  const isExternal = root === 'external' || (root === undefined && old?.record.keyName === undefined)
  const scope = root === true ? 'root' : 'issuingCa'
  if (!isExternal && scope === 'issuingCa') {
    if (old?.record.keyName === undefined)
      return refuse('the root is another’s: it signs by issuerRequest and importIssuer')
    await old.issuer.signer()
  }
  const isCrossCertified = scope === 'root' && crossCertificates && old?.record.keyName !== undefined
  if (isCrossCertified) await old.issuer.signer()
  return { scope, root: isExternal ? undefined : old, isCrossCertified }
}

/** The first whose key names nobody has, here or in the keyrings. */
async function freeGeneration({ authorityOptions: { keyrings } }: FleetParts, set: IssuerSet): Promise<number> {
  const taken = new Set([...(await keyrings.root.list()), ...(await keyrings.issuing.list())])
  for (const { keyName } of set.document.authorities) if (keyName !== undefined) taken.add(keyName)
  let generation = 2
  while (taken.has(`root-${generation}`) || taken.has(`ca-${generation}`)) generation += 1
  return generation
}

/** The root above a CA. */
export function rootOf(set: IssuerSet, authority: Authority): Authority | undefined {
  let current: Authority | undefined = authority
  for (let length = 0; current !== undefined && length < 10; length += 1) {
    if (current.role === 'root') return current
    current = set.find(current.record.own.id.issuerKeyId)
  }
  return undefined
}
