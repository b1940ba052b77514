import type { Timekeeper } from '../../src/renewal/timekeeper.ts'

/** Time that passes when a test says so. */
export interface VirtualTime extends Timekeeper {
  /** Lets so many seconds pass, timer by timer. */
  pass(seconds: number): Promise<void>
  /** Sets the wall clock alone, as a person or NTP does. */
  setClock(date: Date): void
  /** Until the next timer; `undefined` if there is none. */
  readonly sleepSeconds: number | undefined
}

/** Makes a time that begins at `start`; `random` is always a half. */
export function createVirtualTime(start: Date): VirtualTime {
  let wall = start.getTime()
  let elapsed = 1000
  let timers: { readonly at: number; readonly callback: () => void }[] = []
  /** Whoever is awake works until it goes to sleep: keys are made in the thread pool, in real time. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 400; turn++) {
      await new Promise(resolve => (turn < 10 ? setImmediate(resolve) : setTimeout(resolve, 1)))
      if (turn >= 3 && timers.length > 0) return
    }
  }
  return {
    now: () => new Date(wall),
    elapsedSeconds: () => elapsed,
    random: () => 0.5,
    wakeAfter(seconds, callback) {
      const timer = { at: elapsed + seconds, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter(other => other !== timer)
      }
    },
    setClock(date) {
      wall = date.getTime()
    },
    get sleepSeconds() {
      return timers.length === 0 ? undefined : Math.min(...timers.map(({ at }) => at)) - elapsed
    },
    async pass(seconds) {
      const until = elapsed + seconds
      await settle()
      for (;;) {
        const due = timers.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0]
        const to = due?.at ?? until
        wall += (to - elapsed) * 1000
        elapsed = to
        if (due === undefined) break
        timers = timers.filter(other => other !== due)
        due.callback()
        await settle()
      }
    },
  }
}
