/** Delays between attempts to connect. */
export interface BackOff {
  /** Seconds to wait before the next attempt. */
  next(): number
  /** Call when a connection ends, with how long it lasted. */
  ended(connectedSeconds: number): void
  /** How many attempts in a row this is; the first is 1. */
  readonly attempt: number
}

/**
 * Exponential back-off with full jitter: each delay is random between 0 and a ceiling that doubles from `minSeconds` to `maxSeconds`, so that a fleet which lost its broker in one moment does not come back in one.
 *
 * A connection that did not even outlast the ceiling before it counts as a failure: a broker that accepts and throws out at once would be stormed otherwise.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function createBackOff(
  bounds: { readonly minSeconds: number; readonly maxSeconds: number },
  random: () => number = Math.random,
): BackOff {
  let attempt = 0
  const ceiling = (): number => Math.min(bounds.maxSeconds, bounds.minSeconds * 2 ** Math.min(attempt, 32))
  return {
    get attempt() {
      return attempt
    },
    next() {
      const delay = random() * ceiling()
      attempt += 1
      return delay
    },
    ended(connectedSeconds) {
      if (connectedSeconds >= ceiling()) attempt = 0
    },
  }
}
