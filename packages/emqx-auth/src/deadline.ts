/**
 * What `work` resolves, or `late()` once the time is over. The signal aborts then, so that work can let go of what it holds; what it still does is ignored.
 * Never rejects for lateness; rejects as `work` does before.
 */
export async function withinDeadline<T>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<T>(resolve => {
    timer = setTimeout(() => {
      resolve(late())
      controller.abort()
    }, seconds * 1000)
  })
  try {
    return await Promise.race([work(controller.signal), over])
  } finally {
    clearTimeout(timer)
  }
}

/** The deadline in seconds, checked. EMQX waits 5 s for an authenticator. */
export function deadlineOf(seconds: number | undefined): number {
  const deadline = seconds ?? 4
  if (!(deadline > 0 && deadline <= 60)) throw new RangeError('"deadlineSeconds" must be above 0 and at most 60')
  return deadline
}
