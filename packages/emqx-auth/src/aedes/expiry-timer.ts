// setTimeout takes 31 bits of milliseconds, 24.8 days; a larger delay fires at once.
const longestDelay = 2 ** 31 - 1

/** Calls `expire` once `at` has come by `clock`; never holds the process. Returns what cancels it. */
export function startExpiryTimer(at: Date, clock: () => Date, expire: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const arm = (): void => {
    const left = at.getTime() - clock().getTime()
    if (left > 0) timer = setTimeout(arm, Math.min(left, longestDelay)).unref()
    else expire()
  }
  arm()
  return () => clearTimeout(timer)
}
