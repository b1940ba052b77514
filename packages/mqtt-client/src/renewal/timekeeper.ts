/** What a renewal needs of time. @internal */
export interface Timekeeper {
  /** The wall clock, which may jump. */
  now(): Date
  /** Seconds since some moment, which do not. */
  elapsedSeconds(): number
  /** Calls back once; what it answers takes that back. Does not keep the process alive. */
  wakeAfter(seconds: number, callback: () => void): () => void
  /** From 0 to 1, without 1. */
  random(): number
}

/** That of this machine. */
export const systemTimekeeper: Timekeeper = {
  now: () => new Date(),
  elapsedSeconds: () => performance.now() / 1000,
  wakeAfter(seconds, callback) {
    const timer = setTimeout(callback, seconds * 1000)
    timer.unref()
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
