/** When requests may begin: the rate, and the pauses after failures. Times are milliseconds of one monotonic clock. */
export interface Pace {
  /** 0: a request may begin, and is counted with `begin`. Else how long until it is worth asking again. */
  waitMs(now: number): number
  /** Counts a request. */
  begin(now: number): void
  /** A request was answered. */
  succeeded(): void
  /** A request that began at `beganAt` failed in a way that passes by itself. Answers how long to wait before it is made again. `afterMs`: what the remote end said. */
  failed(
    now: number,
    failure: { readonly beganAt: number; readonly throttled: boolean; readonly afterMs?: number },
  ): number
  /** Whether the remote end seems to be away: then one request at a time is to find out. */
  readonly probing: boolean
  /** How long, at the permitted rate, until `requests` more have begun. */
  backlogMs(now: number, requests: number): number
}

const firstBackoffMs = 100
const longestBackoffMs = 5_000
const roundsUntilProbing = 3
/** Whatever the remote end says: a slip in one answer must not stop a CA for days. */
const longestPauseMs = 900_000

/** @param perSecond requests; a tenth of them, at least one, may begin at once. */
export function createPace(perSecond: number, random: () => number = Math.random): Pace {
  const burst = Math.max(1, perSecond / 10)
  let tokens = burst
  let filledAt = Number.NEGATIVE_INFINITY
  let pausedUntil = Number.NEGATIVE_INFINITY
  /** Failures one after the other; those that were under way together are one. */
  let rounds = 0
  let failedAt = Number.NEGATIVE_INFINITY

  const tokensAt = (now: number): number =>
    perSecond === Number.POSITIVE_INFINITY ? burst : Math.min(burst, tokens + ((now - filledAt) * perSecond) / 1000)

  // Full jitter: processes that were refused together do not come back together.
  const backoffMs = (): number => random() * Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(rounds, 16))

  return {
    waitMs(now) {
      if (now < pausedUntil) return pausedUntil - now
      const present = tokensAt(now)
      return present >= 1 ? 0 : ((1 - present) * 1000) / perSecond
    },
    begin(now) {
      tokens = tokensAt(now) - 1
      filledAt = now
    },
    succeeded() {
      rounds = 0
    },
    failed(now, { beganAt, throttled, afterMs }) {
      if (beganAt >= failedAt) {
        rounds += 1
        failedAt = now
      }
      const wait = afterMs === undefined ? firstBackoffMs / 2 + backoffMs() : Math.min(afterMs, longestPauseMs)
      if (throttled || rounds >= roundsUntilProbing) pausedUntil = Math.max(pausedUntil, now + wait)
      return wait
    },
    get probing() {
      return rounds >= roundsUntilProbing
    },
    backlogMs(now, requests) {
      const paused = Math.max(0, pausedUntil - now)
      return perSecond === Number.POSITIVE_INFINITY
        ? paused
        : Math.max(paused, ((requests - tokensAt(now)) * 1000) / perSecond)
    },
  }
}
