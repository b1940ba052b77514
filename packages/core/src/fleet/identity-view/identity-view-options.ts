import { lastKnownWhileStoreIsAway } from '../../unsafe.ts'

/** What `identify` keeps in memory. Both bounds hold. */
export interface IdentityViewOptions {
  /** Octets; default 128 MiB, about 220,000 devices. 0 keeps none, and the store is asked each time. */
  readonly cacheBytes?: number
  /** Certificates; default 1,000,000. */
  readonly cacheEntries?: number
  /**
   * Fail open, for a time: how many seconds after the ledger was last read to its end `identify` may answer from memory while the store is away. 1 to 600; default 0: while the store is away nobody is identified. Answered so are only
   * certificates that this process has identified before, still keeps, and found good when it last heard of all changes; the answer says so (`lastKnownAt`), `identityCounters().lastKnown` counts them, and `onWarning` hears of it.
   */
  readonly [lastKnownWhileStoreIsAway]?: number
}

/** {@link IdentityViewOptions} with nothing left open. */
export interface IdentityViewSettings {
  readonly cacheBytes: number
  readonly cacheEntries: number
  /** 0: never. */
  readonly lastKnownSeconds: number
}

const mostLastKnownSeconds = 600

/** {@link IdentityViewOptions} with nothing left open. @throws RangeError */
export function identityViewOptions(options: IdentityViewOptions = {}): IdentityViewSettings {
  const { cacheBytes = 128 * 1024 * 1024, cacheEntries = 1_000_000, [lastKnownWhileStoreIsAway]: seconds } = options
  for (const [name, value] of Object.entries({ cacheBytes, cacheEntries })) {
    if (!Number.isSafeInteger(value) || value < 0 || value > 2 ** 40) {
      throw new RangeError(`identityView.${name}: expected a whole number from 0 to 2^40`)
    }
  }
  if (seconds !== undefined && !(Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= mostLastKnownSeconds)) {
    throw new RangeError(
      `identityView[lastKnownWhileStoreIsAway]: expected a whole number from 1 to ${mostLastKnownSeconds}`,
    )
  }
  return { cacheBytes, cacheEntries, lastKnownSeconds: seconds ?? 0 }
}
