import type { Enforcement, Enforcer } from '../fleet/fleet.ts'
import { enforce } from './enforce.ts'

/** How many devices are asked for at a time. An enforcer mostly waits (EMQX: for longer than its broker's auth deadline), so this many cost little; a broker's API is not flooded by a fleet. */
const atATime = 100

export interface EnforcementQueue {
  /** Silences a device when its turn comes. Never rejects. One that waits for its turn already is asked for once. */
  silence(deviceId: string): Promise<Enforcement>
  /** Silences a device at once: one that somebody names must not wait for a million others. */
  silenceNow(deviceId: string): Promise<Enforcement>
}

export interface EnforcementQueueOptions {
  /** Read at each device. */
  readonly enforcers: readonly Enforcer[]
  readonly enforceTimeoutSeconds: number
  readonly closed: AbortSignal
}

/** Asks the enforcers for many devices, so many at a time, in the order in which they came. */
export function createEnforcementQueue(options: EnforcementQueueOptions): EnforcementQueue {
  const { enforcers, enforceTimeoutSeconds, closed } = options
  // A Map keeps the order of insertion.
  const waiting = new Map<string, PromiseWithResolvers<Enforcement>>()
  let running = 0

  const next = (): void => {
    for (const [deviceId, { resolve }] of waiting) {
      if (running === atATime) return
      waiting.delete(deviceId)
      running += 1
      void enforce(enforcers, deviceId, enforceTimeoutSeconds, closed).then(enforcement => {
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
        entry = Promise.withResolvers()
        waiting.set(deviceId, entry)
        next()
      }
      return entry.promise
    },
    silenceNow: deviceId => enforce(enforcers, deviceId, enforceTimeoutSeconds, closed),
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
