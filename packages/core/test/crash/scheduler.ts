import type { FaultyProcess } from './faulty-process.ts'
import type { Random } from './random.ts'

/** Timers and time that pass only when they are told to. */
export interface VirtualTimers {
  advance(milliseconds: number): void
  /** Goes on to the next timer and fires it. */
  next(): void
}

interface Waiting {
  readonly name: string
  readonly process: FaultyProcess
  readonly go: () => void
}

/** Decides which of all waiting calls goes on next: one at a time, drawn from the seed, so that a seed is a run. */
export interface Scheduler {
  readonly trace: readonly string[]
  note(text: string): void
  /** Resolves when it is the caller's turn. */
  turn(name: string, process: FaultyProcess): Promise<void>
  /** For so many steps none of the process's calls goes on: it hangs, and time passes. */
  stall(process: FaultyProcess, steps: number): void
  /** Works until all is settled. `before` is called in front of each step: here things happen to processes. */
  run(work: readonly Promise<unknown>[], before: (step: number) => void): Promise<void>
}

const stepLimit = 20_000

/** @param isSlow calls of that name are held back nine times out of ten: so what happens beside them has time to. */
export function createScheduler(
  random: Random,
  timers: VirtualTimers,
  isSlow: (name: string) => boolean = () => false,
): Scheduler {
  const trace: string[] = []
  let waiting: Waiting[] = []
  const stalled = new Map<FaultyProcess, number>()
  // Everything that is not waiting here runs to its end in microtasks.
  const quiet = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

  const step = (): void => {
    for (const [process, steps] of stalled) {
      if (steps <= 1) stalled.delete(process)
      else stalled.set(process, steps - 1)
    }
    const ready = waiting.filter(({ process }) => process.dead || !stalled.has(process))
    if (ready.length > 0) {
      const quick = random.once(10) ? [] : ready.filter(({ name }) => !isSlow(name))
      const chosen = random.pick(quick.length > 0 ? quick : ready)
      waiting = waiting.filter(other => other !== chosen)
      trace.push(chosen.name)
      chosen.go()
    } else if (waiting.length > 0) {
      stalled.clear()
    } else {
      timers.next()
    }
  }

  return {
    trace,
    note: text => void trace.push(text),
    turn: (name, process) => new Promise(go => void waiting.push({ name, process, go })),
    stall: (process, steps) => void stalled.set(process, steps),
    async run(work, before) {
      let open = work.length
      for (const task of work) void task.finally(() => (open -= 1)).catch(() => {})
      for (let steps = 0; ; steps += 1) {
        await quiet()
        if (open === 0) return
        if (steps > stepLimit) throw new Error('it does not come to an end')
        before(steps)
        step()
      }
    },
  }
}
