/**
 * Makes callers at the same time share the work. Who calls while it runs does not take its result, for that may be of before the call: he waits for the next run, with all others who came meanwhile.
 * So at most two are under way or waiting, however many ask.
 */
export function shareLookUp<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined
  const start = (): Promise<T> => {
    const run = work().finally(() => {
      if (running === run) running = undefined
    })
    running = run
    return run
  }
  return () => {
    if (running === undefined) return start()
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
