import { octetCount } from './own-octets.ts'
import type { Outcome, WriteCall } from './write-call.ts'

/** Bounds of a batch: how long a transaction may become, and what one message copies. */
const batchCalls = 256
const batchOctets = 1024 * 1024

/**
 * How many callers are answered in one turn of the event loop. Each goes on at once – signs, say – so a whole batch of them would hold the loop for tens of milliseconds;
 * and while the next ones go on, the writer is at work for these.
 */
const answersPerTurn = 16

interface PendingWrite {
  readonly call: WriteCall
  readonly octets: number
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  /** Stops listening to its signal. */
  readonly detach?: () => void
}

/** Who runs the batches. */
export interface WriteExecutor {
  /** How many batches it may hold at a time. */
  readonly capacity: number
  /** Takes a batch, and answers it by {@link WriteQueue.settle}, in the order in which batches were given. */
  execute(calls: readonly WriteCall[]): void
  /** Told when the first call comes and when the last one was answered. */
  setBusy?(isBusy: boolean): void
}

/**
 * Groups calls: all that are made in one turn of the event loop, and all that are made while a transaction is running, share the next one. Nothing waits for others to come: a lone call is on its way at
 * the end of its turn.
 */
export class WriteQueue {
  readonly #executor: WriteExecutor
  readonly #waiting = new Set<PendingWrite>()
  readonly #given: PendingWrite[][] = []
  readonly #answered: (readonly [PendingWrite, Outcome])[] = []
  readonly #drained: (() => void)[] = []
  #isScheduled = false
  #isBusy = false

  constructor(executor: WriteExecutor) {
    this.#executor = executor
  }

  /** Resolves with the call's result once it is durable. A call that still waits for its transaction is taken back when `signal` aborts; one that is given to the writer runs to its end. */
  write(call: WriteCall, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let write: PendingWrite = { call, octets: octetCount(call.args), resolve, reject }
      if (signal !== undefined) {
        const abort = (): void => {
          this.#waiting.delete(write)
          this.#reportBusy()
          reject(signal.reason)
          this.#reportDrained()
        }
        signal.addEventListener('abort', abort, { once: true })
        write = { ...write, detach: () => signal.removeEventListener('abort', abort) }
      }
      this.#waiting.add(write)
      this.#reportBusy()
      this.#schedule()
    })
  }

  /** The answers of the oldest `batches` batches, all calls in their order. */
  settle(batches: number, outcomes: readonly Outcome[]): void {
    const writes = this.#given.splice(0, batches).flat()
    const isDelivering = this.#answered.length > 0
    this.#answered.push(...writes.map((write, index) => [write, outcomes[index]!] as const))
    this.#reportBusy()
    this.#schedule()
    if (!isDelivering) this.#deliver()
  }

  /** Rejects every call that has no answer yet. */
  fail(error: unknown): void {
    const writes = [...this.#given.splice(0).flat(), ...this.#waiting]
    this.#waiting.clear()
    for (const { detach, reject } of writes) {
      detach?.()
      reject(error)
    }
    this.#reportBusy()
    this.#reportDrained()
  }

  /** Resolves when every call that was made has its answer. */
  drain(): Promise<void> {
    return new Promise(resolve => {
      this.#drained.push(resolve)
      this.#reportDrained()
    })
  }

  // By default after all promise jobs of this turn: callers that were answered together come back together.
  #schedule(defer: (flush: () => void) => unknown = process.nextTick): void {
    if (this.#isScheduled || this.#waiting.size === 0 || this.#given.length >= this.#executor.capacity) return
    this.#isScheduled = true
    defer(() => this.#flush())
  }

  #flush(): void {
    const batch = this.#take()
    if (batch.length > 0) {
      this.#given.push(batch)
      this.#executor.execute(batch.map(({ call }) => call))
    }
    this.#isScheduled = false
    // What did not fit gets a turn of its own.
    this.#schedule(setImmediate)
  }

  #take(): PendingWrite[] {
    const batch: PendingWrite[] = []
    let octets = 0
    for (const write of this.#waiting) {
      octets += write.octets
      if (batch.length === batchCalls || (batch.length > 0 && octets > batchOctets)) break
      this.#waiting.delete(write)
      write.detach?.()
      batch.push(write)
    }
    return batch
  }

  #deliver(): void {
    for (const [{ resolve, reject }, outcome] of this.#answered.splice(0, answersPerTurn)) {
      if ('error' in outcome) reject(outcome.error)
      else resolve(outcome.result)
    }
    if (this.#answered.length > 0) setImmediate(() => this.#deliver())
    else this.#reportDrained()
  }

  #reportBusy(): void {
    const isBusy = this.#waiting.size + this.#given.length > 0
    if (isBusy === this.#isBusy) return
    this.#isBusy = isBusy
    this.#executor.setBusy?.(isBusy)
  }

  #reportDrained(): void {
    if (this.#waiting.size + this.#given.length + this.#answered.length > 0) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }
}
