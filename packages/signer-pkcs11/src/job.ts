import type { SigningKey, ThreadCall } from './thread/thread-messages.ts'

/** Something that a caller waits for: a signature, or another call. */
export interface Job {
  readonly work:
    | { readonly type: 'signature'; readonly key: SigningKey; readonly input: Uint8Array }
    | { readonly type: 'call'; readonly call: Exclude<ThreadCall, { type: 'sign' }> }
  /** By `performance.now()`. */
  readonly deadline: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** How often it has been given to a thread. */
  attempts: number
  /** The caller waits no longer. */
  isSettled: boolean
  /** What is left to do when it is settled. */
  forgetSignal?: () => void
}

/** Several signatures by one key, or one other call. */
export type Batch = readonly [Job, ...Job[]]

/** Jobs in the order in which they came. */
export class JobQueue {
  #jobs: Job[] = []
  #head = 0

  get length(): number {
    return this.#jobs.length - this.#head
  }

  push(job: Job): void {
    this.#jobs.push(job)
  }

  /** Before all others. */
  unshift(jobs: readonly Job[]): void {
    this.#jobs = [...jobs, ...this.#jobs.slice(this.#head)]
    this.#head = 0
  }

  /** The next one, and if it is a signature up to `most` in all that follow it and are of the same key. */
  take(most: number): Batch | undefined {
    const first = this.#next()
    if (first === undefined) return undefined
    const batch: [Job, ...Job[]] = [first]
    const { work } = first
    if (work.type !== 'signature') return batch
    while (batch.length < most) {
      const next = this.#peek()
      if (next?.work.type !== 'signature' || next.work.key !== work.key) break
      batch.push(this.#next()!)
    }
    return batch
  }

  #peek(): Job | undefined {
    while (this.#head < this.#jobs.length && this.#jobs[this.#head]!.isSettled) this.#head += 1
    return this.#jobs[this.#head]
  }

  #next(): Job | undefined {
    const job = this.#peek()
    if (job === undefined) {
      this.#jobs = []
      this.#head = 0
      return undefined
    }
    this.#head += 1
    // Not at every one: that would move the rest each time.
    if (this.#head > 1024 && this.#head * 2 > this.#jobs.length) {
      this.#jobs = this.#jobs.slice(this.#head)
      this.#head = 0
    }
    return job
  }
}
