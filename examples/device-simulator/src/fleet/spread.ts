/** How a fleet came back after its broker did. */
export interface Spread {
  readonly sessions: number
  /** The most sessions that began within one second. */
  readonly peakSecond: number
  /** Of all seconds of the window. */
  readonly meanSecond: number
  /** Until the last one, within the window. */
  readonly lastAfterSeconds: number
}

/** Looks at the sessions that began within so many seconds from `backAt` on. */
export function spreadOf(sessions: readonly number[], backAt: number, windowSeconds = 60): Spread {
  const after = sessions.map(at => (at - backAt) / 1000).filter(seconds => seconds >= 0 && seconds < windowSeconds)
  const bySecond = new Map<number, number>()
  for (const seconds of after) bySecond.set(Math.floor(seconds), (bySecond.get(Math.floor(seconds)) ?? 0) + 1)
  return {
    sessions: after.length,
    peakSecond: Math.max(0, ...bySecond.values()),
    meanSecond: after.length / windowSeconds,
    lastAfterSeconds: Math.max(0, ...after),
  }
}
