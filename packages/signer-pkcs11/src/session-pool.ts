import { PkiError } from '@fleetcert/x509'
import { type Batch, type Job, JobQueue } from './job.ts'
import { ModuleHost } from './module-host.ts'
import type { SigningKey, ThreadCall, ThreadResults, TokenSelector } from './thread/thread-messages.ts'
import { ThreadClient } from './thread-client.ts'
import { TokenFailure } from './token-failure.ts'

/** What a pool is made of. */
export interface SessionPoolOptions {
  readonly module: string
  readonly selector: TokenSelector
  readonly pin: () => Promise<string>
  readonly sessions: number
  readonly timeoutSeconds: number
}

/** With more waiting, callers are told to come again. */
const mostWaiting = 10_000
const mostInBatch = 32
/** A batch is to be answered about as soon as this: whoever is first in it waits for the last. */
const batchMicroseconds = 1_000
/** A token that is faster than that gets its next batch before it has answered the last, so as not to wait for it. */
const fastMicroseconds = 500
/** Waiting longer is worth another session. */
const worthSessionMicroseconds = 1_000
/** Making an RSA key may take minutes. */
const createSeconds = 300

interface Seat {
  readonly thread: ThreadClient
  /** Batches without an answer. */
  batches: number
  /** The epoch of the module in which its session was opened; `undefined` if it has none. */
  epoch: number | undefined
  opening: Promise<void> | undefined
}

/**
 * Sessions with one token, each in a thread of its own, and each doing one thing at a time. They are opened as there is work for them, and opened again when they are lost: after the token was taken out, the login ended or the module
 * was initialised anew. What was under way then is done once more.
 */
export class SessionPool {
  readonly #options: SessionPoolOptions
  readonly #queue = new JobQueue()
  readonly #jobs = new Set<Job>()
  readonly #seats: Seat[] = []
  #host: ModuleHost | undefined
  #mostSeats: number
  #microseconds = batchMicroseconds
  #isScheduled = false
  #sweeper: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  #whenIdle: (() => void) | undefined

  constructor(options: SessionPoolOptions) {
    this.#options = options
    this.#mostSeats = options.sessions
  }

  /** Rejects {@link TokenFailure}, `ERR_PKI_SIGNER_BUSY`, `ERR_PKI_CLOSED`, or the signal's reason. */
  call<C extends Exclude<ThreadCall, { type: 'sign' }>>(call: C): Promise<ThreadResults[C['type']]> {
    const seconds = call.type === 'create' ? createSeconds : this.#options.timeoutSeconds
    return this.#enqueue({ type: 'call', call }, seconds) as Promise<ThreadResults[C['type']]>
  }

  /** As the token returns it. Rejects as {@link call} does. */
  sign(key: SigningKey, input: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#enqueue({ type: 'signature', key, input }, this.#options.timeoutSeconds, signal) as Promise<Uint8Array>
  }

  /** Resolves when what is under way has its answer, or its time is over, and the sessions are closed. What has not begun is rejected. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #enqueue(work: Job['work'], seconds: number, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) throw new PkiError('ERR_PKI_CLOSED', {})
      if (this.#queue.length >= mostWaiting) throw new PkiError('ERR_PKI_SIGNER_BUSY', { retryAfterSeconds: 1 })
      const deadline = performance.now() + seconds * 1000
      signal?.throwIfAborted()
      const job: Job = { work, deadline, resolve, reject, attempts: 0, isSettled: false }
      if (signal !== undefined) {
        const abort = (): void => this.#settle(job, 'reject', signal.reason)
        signal.addEventListener('abort', abort, { once: true })
        job.forgetSignal = () => signal.removeEventListener('abort', abort)
      }
      this.#jobs.add(job)
      this.#queue.push(job)
      this.#sweeper ??= setInterval(() => this.#sweep(), 250).unref()
      this.#schedule()
    })
  }

  #settle(job: Job, how: 'resolve' | 'reject', value: unknown): void {
    if (job.isSettled) return
    job.isSettled = true
    this.#jobs.delete(job)
    job.forgetSignal?.()
    job[how](value)
    if (this.#jobs.size === 0) this.#whenIdle?.()
  }

  /** At the end of the event loop's turn, so that calls of one turn go together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    const depth = this.#microseconds < fastMicroseconds ? 2 : 1
    while (this.#queue.length > 0) {
      if (this.#isWorthASeat() && !this.#addSeat()) return
      const seat = this.#seats.reduce<Seat | undefined>(
        (best, one) => (one.batches < (best?.batches ?? depth) ? one : best),
        undefined,
      )
      if (seat === undefined) return
      const room = this.#seats.reduce((sum, { batches }) => sum + Math.max(depth - batches, 0), 0)
      const share = Math.ceil(this.#queue.length / room)
      const inTime = Math.floor(batchMicroseconds / this.#microseconds)
      const batch = this.#queue.take(Math.max(Math.min(share, inTime, mostInBatch), 1))
      if (batch === undefined) return
      seat.batches += 1
      void this.#run(seat, batch).finally(() => {
        seat.batches -= 1
        this.#schedule()
      })
    }
  }

  #isWorthASeat(): boolean {
    const seats = this.#seats.length
    if (seats === 0) return true
    if (seats >= this.#mostSeats || this.#seats.some(({ batches }) => batches === 0)) return false
    return (this.#queue.length * this.#microseconds) / seats >= worthSessionMicroseconds
  }

  /** False if there is none, so that nobody waits for nothing. */
  #addSeat(): boolean {
    this.#host ??= ModuleHost.of(this.#options.module)
    try {
      const thread = new ThreadClient(this.#host.path)
      this.#seats.push({ thread, batches: 0, epoch: undefined, opening: undefined })
    } catch {
      // Threads are not allowed here (--permission).
      if (this.#seats.length > 0) return true
      const failure = new TokenFailure({ kind: 'module', reason: 'no thread can be started' })
      for (const job of this.#jobs) this.#settle(job, 'reject', failure)
      return false
    }
    return true
  }

  /** Never rejects. */
  async #run(seat: Seat, batch: Batch): Promise<void> {
    for (const job of batch) job.attempts += 1
    try {
      await this.#ready(seat)
      const [{ work }] = batch
      if (work.type === 'call') this.#settle(batch[0], 'resolve', await this.#host!.invoke(seat.thread, work.call))
      else await this.#signBatch(seat, work.key, batch)
    } catch (error) {
      this.#failed(seat, batch, error)
    }
  }

  async #signBatch(seat: Seat, key: SigningKey, batch: Batch): Promise<void> {
    const inputs = batch.map(({ work }) => (work as { input: Uint8Array }).input)
    const { count, signatures, failure, microseconds } = await this.#host!.invoke(seat.thread, {
      type: 'sign',
      key,
      lengths: inputs.map(input => input.length),
      // One octet more: an empty message is one too, and has to be somewhere.
      inputs: Buffer.concat([...inputs, Buffer.alloc(1)]),
    })
    if (count > 0) this.#microseconds += (Math.max(microseconds, 1) - this.#microseconds) / 8
    for (const [index, job] of batch.slice(0, count).entries()) {
      const offset = index * key.signatureOctets
      this.#settle(job, 'resolve', signatures.subarray(offset, offset + key.signatureOctets))
    }
    if (failure === undefined) return
    // Those behind it have not been tried.
    const rest = batch.slice(count + 1)
    for (const job of rest) job.attempts -= 1
    this.#queue.unshift(rest)
    this.#failed(seat, [batch[count]!], new TokenFailure(failure))
  }

  /** Once more for whoever may have better luck with another session. */
  #failed(seat: Seat, jobs: readonly Job[], error: unknown): void {
    const isLost = error instanceof TokenFailure && error.failure.kind === 'session'
    const isRefusedSeat = isNoSession(error) && this.#seats.length > 1
    if (isLost) seat.epoch = undefined
    if (isRefusedSeat) this.#mostSeats = this.#seats.length - 1
    if (isRefusedSeat || !seat.thread.isAlive) this.#dismiss(seat)
    const mayRetry = isRefusedSeat || (isLost && this.#closing === undefined)
    const again = jobs.filter(job => !job.isSettled && mayRetry && (isRefusedSeat || job.attempts < 3))
    for (const job of jobs) if (!again.includes(job)) this.#settle(job, 'reject', error)
    this.#queue.unshift(again)
  }

  #dismiss(seat: Seat): void {
    const index = this.#seats.indexOf(seat)
    if (index >= 0) this.#seats.splice(index, 1)
    void seat.thread.end()
  }

  /** A seat with a session that is logged in. */
  #ready(seat: Seat): Promise<void> | undefined {
    if (seat.epoch !== undefined && seat.epoch === this.#host!.epoch) return undefined
    seat.opening ??= this.#open(seat).finally(() => {
      seat.opening = undefined
    })
    return seat.opening
  }

  async #open(seat: Seat): Promise<void> {
    const host = this.#host!
    for (let mayRestart = true; ; mayRestart = false) {
      const { epoch } = host
      try {
        await host.join(this, seat.thread)
        const { selector } = this.#options
        const { token, isLoggedIn } = await host.invoke(seat.thread, { type: 'openSession', selector })
        if (!isLoggedIn) await this.#login(seat, token)
        seat.epoch = epoch
        host.recovered()
        return
      } catch (error) {
        const mayHeal = error instanceof TokenFailure && ['session', 'token'].includes(error.failure.kind)
        if (!mayRestart || !mayHeal || isNoSession(error) || !(await host.restart(seat.thread, epoch))) throw error
      }
    }
  }

  #login(seat: Seat, token: string): Promise<void> {
    const host = this.#host!
    return host.logins.take(async () => {
      const pin = await this.#options.pin()
      if (host.pins.wasRefused(token, pin)) {
        throw new TokenFailure({ kind: 'pin', reason: 'the token has refused this PIN before; it is not tried again' })
      }
      try {
        await host.invoke(seat.thread, { type: 'login', pin })
      } catch (error) {
        const isWrong = error instanceof TokenFailure && wrongPin.has(error.failure.reason)
        if (isWrong) host.pins.refused(token, pin)
        throw error
      }
    })
  }

  #sweep(): void {
    const now = performance.now()
    for (const job of this.#jobs) {
      if (job.deadline > now) continue
      this.#settle(job, 'reject', new TokenFailure({ kind: 'token', reason: 'no answer in time' }))
    }
    if (this.#jobs.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  async #close(): Promise<void> {
    const waiting = [...this.#jobs].filter(job => job.attempts === 0)
    for (const job of waiting) this.#settle(job, 'reject', new PkiError('ERR_PKI_CLOSED', {}))
    if (this.#jobs.size > 0) {
      // Each has a deadline.
      await new Promise<void>(resolve => {
        this.#whenIdle = resolve
      })
    }
    const free = this.#seats.filter(({ thread }) => thread.isAlive && thread.pending === 0)
    await Promise.allSettled(free.map(({ thread }) => thread.invoke({ type: 'closeSession' })))
    const isInside = this.#seats.some(({ thread }) => thread.pending > 0)
    await this.#host?.leave(this, isInside ? undefined : free[0]?.thread).catch(() => {})
    await Promise.allSettled(this.#seats.splice(0).map(({ thread }) => thread.end()))
    clearInterval(this.#sweeper)
  }
}

/** Tried again they would only bring the token nearer to locking itself. */
const wrongPin: ReadonlySet<string> = new Set(['CKR_PIN_INCORRECT', 'CKR_PIN_INVALID', 'CKR_PIN_LEN_RANGE'])

/** The token gives no more sessions. */
function isNoSession(error: unknown): boolean {
  return error instanceof TokenFailure && error.failure.reason === 'CKR_SESSION_COUNT'
}
