/** What becomes of work that has a deadline: exactly one of these is called, and its result is what the caller gets. */
export interface DeadlineOutcomes<T, Result> {
  decided(value: T): Result
  failed(error: unknown): Result
  /** The time is over. What the work still does is ignored. */
  late(): Result
}

/** Runs work that is given up, not ended, when its time is over. Rejects only with what an outcome throws. */
export type Deadline = <T, Result>(work: () => T | Promise<T>, outcomes: DeadlineOutcomes<T, Result>) => Promise<Result>

interface Waiting {
  readonly due: number
  isOver: boolean
  giveUp(): void
}

/**
 * A deadline for all that one server does. All that waits has the same time, so it is due in the order in which it came: one timer serves for all, and thousands of decisions a second arm none.
 */
export function createDeadline(seconds: number): Deadline {
  let waiting: Waiting[] = []
  /** Where those begin who are not over. */
  let first = 0
  /** How many are over, and still in the list. */
  let over = 0
  let timer: NodeJS.Timeout | undefined

  /** Takes out who is over: at the front, and of the rest when they are most of it, for each holds on to a request. */
  const skip = (): void => {
    while (first < waiting.length && waiting[first]!.isOver) first += 1
    if (waiting.length === 0 || (first < waiting.length && over < Math.max(1024, waiting.length / 2))) return
    waiting = waiting.slice(first).filter(({ isOver }) => !isOver)
    first = 0
    over = 0
  }
  const look = (): void => {
    timer = undefined
    const now = performance.now()
    const due: Waiting[] = []
    for (; first < waiting.length && (waiting[first]!.isOver || waiting[first]!.due <= now); first += 1) {
      due.push(waiting[first]!)
    }
    skip()
    arm()
    // Only now: what hears of it may ask for more.
    for (const { isOver, giveUp } of due) if (!isOver) giveUp()
  }
  const arm = (): void => {
    if (timer !== undefined || first === waiting.length) return
    timer = setTimeout(look, Math.max(1, waiting[first]!.due - performance.now()))
    // Whoever waits for an answer has a connection that keeps the process.
    timer.unref()
  }

  return <T, Result>(work: () => T | Promise<T>, { decided, failed, late }: DeadlineOutcomes<T, Result>) =>
    new Promise<Result>((resolve, reject) => {
      const settle = <Value>(outcome: (value: Value) => Result, value: Value): void => {
        own.isOver = true
        over += 1
        try {
          resolve(outcome(value))
        } catch (error) {
          reject(error)
        }
      }
      const own: Waiting = {
        due: performance.now() + seconds * 1000,
        isOver: false,
        giveUp: () => settle(late, undefined),
      }
      let result: T | Promise<T>
      try {
        result = work()
      } catch (error) {
        return resolve(failed(error))
      }
      if (!(result instanceof Promise)) return resolve(decided(result))
      skip()
      waiting.push(own)
      arm()
      result.then(
        value => {
          if (!own.isOver) settle(decided, value)
        },
        (error: unknown) => {
          if (!own.isOver) settle(failed, error)
        },
      )
    })
}

/**
 * What `work` resolves, or `late()` once the time is over; what it still does is ignored. Never rejects for lateness; rejects as `work` does before.
 * The signal aborts then, so that work can let go of what it holds.
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
