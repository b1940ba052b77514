import type { Enforcement, Enforcer } from '../fleet/fleet.ts'
import { enforce } from './enforce.ts'
import type { RecentSilence, SilenceOutcome } from './enforcement/enforcement-tasks.ts'

/** How many devices are asked for at a time. An enforcer mostly waits (EMQX: for longer than its broker's auth deadline), so this many cost little; a broker's API is not flooded by a fleet. */
const atATime = 100
/** Who follows the ledger meets what was done here within a second; of what is forgotten it asks once more. */
const remembered = 20_000

export interface EnforcementQueue {
  /** Silences a device when its turn comes. Never rejects. One that waits for its turn already is asked for once. */
  silence(deviceId: string): Promise<Enforcement>
  /** Silences a device at once: one that somebody names must not wait for a million others. */
  silenceNow(deviceId: string): Promise<Enforcement>
  /** The last silence that was asked for, if it is remembered. */
  recent(deviceId: string): RecentSilence | undefined
}

export interface EnforcementQueueOptions {
  /** Read at each device. */
  readonly enforcers: readonly Enforcer[]
  readonly enforceTimeoutSeconds: number
  readonly closed: AbortSignal
}

interface Waiting extends PromiseWithResolvers<Enforcement> {
  readonly outcomes: Map<string, SilenceOutcome>
}

/** Asks the enforcers for many devices, so many at a time, in the order in which they came. */
export function createEnforcementQueue(options: EnforcementQueueOptions): EnforcementQueue {
  const { enforcers, enforceTimeoutSeconds, closed } = options
  // A Map keeps the order of insertion.
  const waiting = new Map<string, Waiting>()
  const recents = new Map<string, RecentSilence>()
  let running = 0

  const remember = (deviceId: string, recent: RecentSilence): Promise<Enforcement> => {
    recents.delete(deviceId)
    recents.set(deviceId, recent)
    if (recents.size > remembered) for (const oldest of recents.keys()) if (recents.delete(oldest)) break
    return recent.enforcement
  }
  const begin = (deviceId: string, outcomes: Map<string, SilenceOutcome>): Promise<Enforcement> =>
    enforce(enforcers, deviceId, enforceTimeoutSeconds, closed, outcomes)

  const next = (): void => {
    for (const [deviceId, { resolve, outcomes }] of waiting) {
      if (running === atATime) return
      waiting.delete(deviceId)
      running += 1
      void begin(deviceId, outcomes).then(enforcement => {
        running -= 1
        resolve(enforcement)
        next()
      })
    }
  }

  return {
    silence(deviceId) {
      if (enforcers.length === 0) return Promise.resolve({ confirmed: [], pending: [], failed: [] })
      let entry = waiting.get(deviceId)
      if (entry === undefined) {
        entry = { ...Promise.withResolvers<Enforcement>(), outcomes: new Map() }
        waiting.set(deviceId, entry)
        next()
      }
      return remember(deviceId, { enforcement: entry.promise, outcomes: entry.outcomes })
    },
    silenceNow(deviceId) {
      if (enforcers.length === 0) return Promise.resolve({ confirmed: [], pending: [], failed: [] })
      const outcomes = new Map<string, SilenceOutcome>()
      return remember(deviceId, { enforcement: begin(deviceId, outcomes), outcomes })
    },
    recent: deviceId => recents.get(deviceId),
  }
}

/** What several devices' enforcements come to: an enforcer has confirmed when it has for every device, and failed as it first did. */
export function mergeEnforcements(enforcements: readonly Enforcement[]): Enforcement {
  const [only] = enforcements
  if (only === undefined) return { confirmed: [], pending: [], failed: [] }
  if (enforcements.length === 1) return only
  const failed = new Map<string, unknown>()
  const pending = new Set<string>()
  const confirmed = new Set<string>()
  for (const each of enforcements) {
    for (const { name, error } of each.failed) if (!failed.has(name)) failed.set(name, error)
    for (const name of each.pending) pending.add(name)
    for (const name of each.confirmed) confirmed.add(name)
  }
  return {
    confirmed: [...confirmed].filter(name => !failed.has(name) && !pending.has(name)),
    pending: [...pending].filter(name => !failed.has(name)),
    failed: [...failed].map(([name, error]) => ({ name, error })),
  }
}
