import type { RecentSilence } from '../revocation/enforcement/enforcement-tasks.ts'
import { type EnforcerFollower, followEnforcer, placeName } from '../revocation/enforcement/follow-enforcer.ts'
import type { Cursor, FleetEvent, Store } from '../store/store.ts'
import type { Enforcer } from './fleet.ts'
import type { FleetWarning } from './fleet-warning.ts'

const pollMilliseconds = 500

export interface FollowRevocationsOptions {
  readonly store: Store
  readonly clock: () => Date
  /** Read at each look: enforcers may be added later. */
  readonly enforcers: readonly Enforcer[]
  /** Name of this process among those of the fleet. */
  readonly instance: string
  readonly enforceTimeoutSeconds: number
  readonly closed: AbortSignal
  readonly onWarning: (warning: FleetWarning) => void
  /** What this process has begun when it made the revocation of that event; `undefined` for another's. */
  readonly recent: (event: FleetEvent) => RecentSilence | undefined
}

/**
 * Lets each enforcer of this process follow the ledger, looked at every 500 ms once there is one. Does not keep the process alive. A store that is down is asked again at the next look.
 */
export function followRevocations(options: FollowRevocationsOptions): { close(): Promise<void> } {
  const { enforcers, closed, instance } = options
  // Asked at once: what is appended from here on is this process's to see.
  const place = options.store.cursor(placeName).catch((): Cursor => '')
  const followers = new Map<Enforcer, EnforcerFollower>()
  const followerOf = (enforcer: Enforcer): EnforcerFollower => {
    let follower = followers.get(enforcer)
    if (follower === undefined) {
      const isDouble = [...followers.keys()].some(({ name }) => name === enforcer.name)
      follower = followEnforcer({
        ...options,
        enforcer,
        isDouble,
        place,
        holder: instance,
        attemptSeconds: options.enforceTimeoutSeconds,
      })
      followers.set(enforcer, follower)
    }
    return follower
  }
  const timer = setInterval(() => {
    for (const enforcer of enforcers) void followerOf(enforcer).look()
  }, pollMilliseconds).unref()
  closed.addEventListener('abort', () => clearInterval(timer), { once: true })
  return {
    async close() {
      clearInterval(timer)
      await Promise.all(Array.from(followers.values(), follower => follower.close()))
    },
  }
}
