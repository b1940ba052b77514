import { isPkiError } from '@fleetcert/x509'
import type { FleetWarning } from '../fleet/fleet-warning.ts'
import type { CrlIssuer } from './crl-issuer.ts'

export interface CrlSchedulerOptions {
  /** Asked at each turn. Who is named again is known by the object. */
  readonly crls: () => readonly ScheduledCrl[]
  readonly onWarning: (warning: FleetWarning) => void
  readonly closed: AbortSignal
  /** Real time, for everything but what the CRLs themselves say. */
  readonly timing?: Partial<CrlTiming>
}

/** A shard, and who signs its CRLs. */
export interface ScheduledCrl {
  readonly issuer: CrlIssuer
  readonly shard: number
}

export interface CrlTiming {
  /** Between two looks. */
  readonly lookMilliseconds: number
  /** From the first revocation that is noticed to the CRL that lists it, and what comes in meanwhile. */
  readonly gatherMilliseconds: number
  /** After the first failure; doubled after each further one. */
  readonly retryMilliseconds: number
  readonly longestRetryMilliseconds: number
}

const defaults: CrlTiming = {
  lookMilliseconds: 1000,
  gatherMilliseconds: 5000,
  retryMilliseconds: 5000,
  longestRetryMilliseconds: 3_600_000,
}
/** So many shards are looked at in one turn: with more, each is looked at more seldom. */
const looksPerTurn = 64
/** A CRL that takes a second to make is made every ten seconds at the most. */
const rest = 9

interface Plan {
  readonly issuer: CrlIssuer
  readonly shard: number
  /** Not before: a gathering, a rest, a retry. */
  notBefore: number
  /** When it was first seen that something has changed. */
  noticedAt: number | undefined
  failures: number
}

/**
 * Publishes CRLs ahead of their nextUpdate, and soon after a revocation: one CRL for a storm of them. Every process with a background does; a lease in the store lets one of them build. Does not keep the process alive.
 * What fails is tried again, ever more seldom, and told as a warning each time.
 */
export function scheduleCrls({ crls, onWarning, closed, timing }: CrlSchedulerOptions): void {
  const { lookMilliseconds, gatherMilliseconds, retryMilliseconds, longestRetryMilliseconds } = {
    ...defaults,
    ...timing,
  }
  const plans = new WeakMap<ScheduledCrl, Plan>()
  const planOf = (crl: ScheduledCrl): Plan => {
    let plan = plans.get(crl)
    if (plan === undefined) {
      plan = { ...crl, notBefore: 0, noticedAt: undefined, failures: 0 }
      plans.set(crl, plan)
    }
    return plan
  }
  let next = 0
  let busy = false

  const look = async (plan: Plan): Promise<void> => {
    if (performance.now() < plan.notBefore) return
    let nextUpdate: Date | undefined
    try {
      const state = await plan.issuer.due(plan.shard)
      nextUpdate = state.nextUpdate
      if (state.why === undefined) {
        plan.noticedAt = undefined
        plan.failures = 0
        return
      }
      const begin = performance.now()
      if (state.why === 'changed') {
        plan.noticedAt ??= begin
        if (begin < plan.noticedAt + gatherMilliseconds) return
      }
      await plan.issuer.publish(plan.shard)
      const end = performance.now()
      plan.noticedAt = undefined
      plan.failures = 0
      plan.notBefore = end + rest * (end - begin)
    } catch (error) {
      if (closed.aborted || isPkiError(error, 'ERR_PKI_CLOSED')) return
      const pause = Math.min(retryMilliseconds * 2 ** plan.failures, longestRetryMilliseconds)
      plan.failures += 1
      plan.notBefore = performance.now() + pause
      onWarning({
        type: 'crlNotPublished',
        issuerKeyId: plan.issuer.issuerKeyId,
        shard: plan.shard,
        error,
        ...(nextUpdate === undefined ? {} : { nextUpdate }),
        retrySeconds: Math.ceil(pause / 1000),
      })
    }
  }

  const turn = async (): Promise<void> => {
    const all = crls()
    for (let count = 0; count < Math.min(looksPerTurn, all.length) && !closed.aborted; count += 1) {
      const crl = all[next % all.length]!
      next += 1
      await look(planOf(crl))
    }
  }

  const timer = setInterval(() => {
    if (busy) return
    busy = true
    void turn().finally(() => {
      busy = false
    })
  }, lookMilliseconds).unref()
  closed.addEventListener('abort', () => clearInterval(timer), { once: true })
}
