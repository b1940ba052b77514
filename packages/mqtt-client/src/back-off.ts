import type { AttemptEnd } from './attempt-end.ts'

/** Delays between attempts to connect. */
export interface BackOff {
  /** Seconds to wait before the next attempt, by how the last one, or the session that came of it, ended. */
  next(end: AttemptEnd): number
  /** Call when a session ends, with how long it lasted. */
  ended(connectedSeconds: number): void
  /** How many attempts in a row this is; the first is 1. */
  readonly attempt: number
}

/** The bounds of {@link createBackOff}. */
export interface BackOffBounds {
  /** The longest first delay of a device that heard nothing any more. */
  readonly minSeconds: number
  /** The longest first delay of a device whose session was ended by the other side. */
  readonly spreadSeconds: number
  /** The last ceiling. */
  readonly maxSeconds: number
  /** The last ceiling of a device that is refused. */
  readonly refusedMaxSeconds: number
}

/**
 * Exponential back-off with full jitter: each delay is random between 0 and a ceiling that doubles from `spreadSeconds` to `maxSeconds`; for a device that is refused, to `refusedMaxSeconds`.
 *
 * A session that the other side ended may be one of thousands that ended in that moment, and the broker may be back in the next. So even the first delay is spread, and not evenly: it is drawn as what remains of a wait that was
 * under way already. Then attempts come at the same rate at all times, 2 / ceiling per device and second, and it does not matter when the broker comes back: after any time away the busiest second sees about twice the mean of
 * the first minute. (With even delays the answer depends on how long the broker was away, and is worst between half of the first ceiling and all of it: there who has not tried yet meets who tries again.)
 *
 * Who heard nothing any more, by the keep-alive or by a route that is gone, notices that at a time of its own: one such attempt comes within `minSeconds`.
 *
 * A session that did not even outlast the ceiling before it counts as a failure: a broker that accepts and throws out at once would be stormed otherwise.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function createBackOff(bounds: BackOffBounds, random: () => number = Math.random): BackOff {
  const { minSeconds, spreadSeconds, maxSeconds, refusedMaxSeconds } = bounds
  let attempt = 0
  // The first delay has the first ceiling, and so has the second: only the latter follows an attempt that failed.
  const ceiling = (most: number): number => Math.min(most, spreadSeconds * 2 ** Math.min(Math.max(0, attempt - 1), 32))
  const delay = ({ kind, retryAfterSeconds }: AttemptEnd): number => {
    // Everybody was told the same.
    if (retryAfterSeconds !== undefined) return retryAfterSeconds + random() * spreadSeconds
    if (kind === 'refused') return random() * ceiling(refusedMaxSeconds)
    // It is there, and asks for patience: no early attempts.
    if (kind === 'busy') return (0.5 + random() / 2) * ceiling(maxSeconds)
    if (attempt > 0 || kind === 'failed') return random() * ceiling(maxSeconds)
    return kind === 'silent' ? random() * minSeconds : spreadSeconds * (1 - Math.sqrt(random()))
  }
  return {
    get attempt() {
      return attempt
    },
    next(end) {
      const seconds = delay(end)
      attempt += 1
      return seconds
    },
    ended(connectedSeconds) {
      if (connectedSeconds >= ceiling(maxSeconds)) attempt = 0
    },
  }
}
