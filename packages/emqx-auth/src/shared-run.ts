/**
 * Lets many callers share one run of something that helps all at once. A caller gets a run that began after it asked: one that is under way may have passed what it is about.
 */
export function sharedRun(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let waiting: Promise<void> | undefined
  const start = (): Promise<void> => {
    waiting = undefined
    const run = work().finally(() => {
      if (running === run) running = undefined
    })
    running = run
    return run
  }
  return () => {
    if (running === undefined) return start()
    waiting ??= running.then(start, start)
    return waiting
  }
}
