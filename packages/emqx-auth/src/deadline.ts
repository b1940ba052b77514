/** Runs work that is given up, not ended, when its time is over. */
export type Deadline = <T>(work: () => Promise<T>, late: () => T) => Promise<T>

interface Waiting {
  readonly due: number
  isOver: boolean
  giveUp(): void
}

/**
 * What `work` resolves, or `late()` once the time is over; what it still does is ignored. Never rejects for lateness; rejects as `work` does before.
 *
 * All that waits has the same time, so it is due in the order in which it came: one timer serves for all, and thousands of decisions a second arm none.
 */
export function createDeadline(seconds: number): Deadline {
  let waiting: Waiting[] = []
  /** Where those begin who are not over. */
  let first = 0
  let timer: NodeJS.Timeout | undefined

  const skip = (): void => {
    while (first < waiting.length && waiting[first]!.isOver) first += 1
    if (first === waiting.length) {
      waiting = []
      first = 0
    } else if (first >= 1024) {
      waiting = waiting.slice(first)
      first = 0
    }
  }
  const look = (): void => {
    timer = undefined
    const now = performance.now()
    for (; first < waiting.length; first += 1) {
      const next = waiting[first]!
      if (next.isOver) continue
      if (next.due > now) break
      next.isOver = true
      next.giveUp()
    }
    skip()
    arm()
  }
  const arm = (): void => {
    if (timer !== undefined || first === waiting.length) return
    timer = setTimeout(look, Math.max(1, waiting[first]!.due - performance.now()))
    // Whoever waits for an answer has a connection that keeps the process.
    timer.unref()
  }

  return <T>(work: () => Promise<T>, late: () => T) =>
    new Promise<T>((resolve, reject) => {
      const own: Waiting = {
        due: performance.now() + seconds * 1000,
        isOver: false,
        giveUp() {
          try {
            resolve(late())
          } catch (error) {
            reject(error)
          }
        },
      }
      skip()
      waiting.push(own)
      arm()
      work().then(
        value => {
          own.isOver = true
          resolve(value)
        },
        (error: unknown) => {
          own.isOver = true
          reject(error)
        },
      )
    })
}

/**
 * As {@link createDeadline}, once. The signal aborts when the time is over, so that work can let go of what it holds.
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
