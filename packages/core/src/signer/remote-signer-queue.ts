import { isPkiError, PkiError } from '@fleetcert/x509'
import { createPace } from './remote-signer-pace.ts'
import type { RetryAdvice } from './remote-signer-retry.ts'

export interface RemoteQueueOptions<Request> {
  readonly maxConcurrent: number
  readonly maxPerSecond: number
  readonly maxQueued: number
  /** How many requests one call takes. */
  readonly maxBatch: number
  readonly retries: number
  readonly timeoutSeconds: number
  readonly attemptTimeoutSeconds: number
  readonly retry: (error: unknown) => RetryAdvice
  /** Answers each request, in order. */
  readonly send: (requests: readonly Request[], signal: AbortSignal) => Promise<readonly Uint8Array[]>
}

interface Job<Request> {
  readonly request: Request
  readonly deadline: number
  /** Calls that failed. */
  attempts: number
  /** Not before: after a failure. */
  readyAt: number
  isSettled: boolean
  settle(outcome: { readonly answer: Uint8Array } | { readonly error: unknown }): void
  /** What is under way for it. */
  call?: Call<Request>
}

/** Node's timers reach no further than 24 days, and fire at once beyond that. */
const longestTimer = 86_400_000
/** In less time no request is answered. */
const leastMs = 20

/** One request on its way, for all its jobs. */
interface Call<Request> {
  readonly controller: AbortController
  readonly jobs: readonly Job<Request>[]
}

/**
 * Requests to a remote end, first come first served, never more at a time, in a second or in the queue than allowed. One that fails in a way that passes is made again; one that takes too long, or whose caller has gone, is given up.
 * Rejects `ERR_PKI_SIGNER_BUSY`, `ERR_PKI_SIGNER`, and the reason of an abort.
 */
export function createRemoteQueue<Request>(
  options: RemoteQueueOptions<Request>,
): (request: Request, signal?: AbortSignal) => Promise<Uint8Array> {
  const { maxConcurrent, maxQueued, maxBatch, retries, send } = options
  const timeoutMs = options.timeoutSeconds * 1000
  const attemptMs = options.attemptTimeoutSeconds * 1000
  const pace = createPace(options.maxPerSecond)
  let waiting: Job<Request>[] = []
  let running = 0
  let timer: NodeJS.Timeout | undefined
  let willCollect = false

  const busy = (now: number, ms: number, cause?: unknown): PkiError =>
    new PkiError(
      'ERR_PKI_SIGNER_BUSY',
      { retryAfterSeconds: Math.max(1, Math.ceil(Math.max(ms, pace.backlogMs(now, waiting.length)) / 1000)) },
      cause === undefined ? {} : { cause },
    )

  const pump = (): void => {
    clearTimeout(timer)
    timer = undefined
    for (;;) {
      const now = performance.now()
      if (waiting.length === 0 || running >= (pace.probing ? 1 : maxConcurrent)) return
      const wait = Math.max(pace.waitMs(now), nextReady() - now)
      if (wait > 0) {
        // Rounded up: a timer that fires early would only set another.
        timer = setTimeout(pump, Math.min(Math.ceil(wait), longestTimer))
        return
      }
      const jobs = takeReady(now)
      if (jobs.length === 0) return
      pace.begin(now)
      running += 1
      void run(jobs)
    }
  }

  const nextReady = (): number =>
    waiting.reduce((earliest, { readyAt }) => Math.min(earliest, readyAt), Number.POSITIVE_INFINITY)

  const takeReady = (now: number): readonly Job<Request>[] => {
    const taken: Job<Request>[] = []
    waiting = waiting.filter(job => {
      // One whose time is as good as over is left to its timer.
      if (taken.length === maxBatch || job.readyAt > now || job.deadline - now < leastMs) return true
      taken.push(job)
      return false
    })
    return taken
  }

  const run = async (jobs: readonly Job<Request>[]): Promise<void> => {
    const controller = new AbortController()
    const beganAt = performance.now()
    const call = { controller, jobs }
    for (const job of jobs) job.call = call
    const tooLong = setTimeout(() => controller.abort(new DOMException('no answer in time', 'TimeoutError')), attemptMs)
    try {
      const requests = jobs.map(({ request }) => request)
      // Also where `sign` pays no heed to its signal: the place of a request that hangs is needed.
      const answers = await Promise.race([send(requests, controller.signal), rejection(controller.signal)])
      pace.succeeded()
      for (const [index, job] of jobs.entries()) job.settle({ answer: answers[index]! })
    } catch (error) {
      failed(jobs, error, { beganAt, wasTooLong: controller.signal.aborted })
    } finally {
      clearTimeout(tooLong)
      running -= 1
      pump()
    }
  }

  const failed = (
    jobs: readonly Job<Request>[],
    error: unknown,
    { beganAt, wasTooLong }: { beganAt: number; wasTooLong: boolean },
  ): void => {
    const left = jobs.filter(({ isSettled }) => !isSettled)
    // Nobody waits for it any more: that is why it failed.
    if (left.length === 0) return
    const advice = wasTooLong ? 'again' : adviceOn(error)
    if (advice === 'never') {
      for (const job of left) job.settle({ error: asSignerError(error) })
      return
    }
    const now = performance.now()
    const afterMs = typeof advice === 'object' ? advice.afterSeconds * 1000 : undefined
    const throttled = advice !== 'again'
    const wait = pace.failed(now, { beganAt, throttled, ...(afterMs === undefined ? {} : { afterMs }) })
    const again: Job<Request>[] = []
    for (const job of left) {
      delete job.call
      job.attempts += 1
      job.readyAt = now + wait
      if (job.attempts <= retries && job.readyAt < job.deadline) again.push(job)
      else job.settle({ error: throttled ? busy(now, wait, error) : asSignerError(error) })
    }
    // They have waited longest.
    waiting = [...again, ...waiting]
  }

  const adviceOn = (error: unknown): RetryAdvice => {
    try {
      return isPkiError(error, 'ERR_PKI_SIGNER') ? 'never' : options.retry(error)
    } catch {
      return 'never'
    }
  }

  /** With batches, what is asked for in one turn of the event loop goes into one call. */
  const start = (): void => {
    if (maxBatch === 1) pump()
    else if (!willCollect) {
      willCollect = true
      setImmediate(() => {
        willCollect = false
        pump()
      })
    }
  }

  return (request, signal) =>
    new Promise((resolve, reject) => {
      const now = performance.now()
      const calls = Math.ceil((waiting.length + 1) / maxBatch)
      const backlogMs = pace.backlogMs(now, calls)
      if (waiting.length >= maxQueued || backlogMs > timeoutMs) {
        reject(busy(now, backlogMs))
        return
      }
      const giveUp = (error: unknown): void => {
        const { call } = job
        job.settle({ error })
        waiting = waiting.filter(other => other !== job)
        // The next look may have been set for this one.
        pump()
        if (call?.jobs.every(({ isSettled }) => isSettled)) call.controller.abort(error)
      }
      const aborted = (): void => giveUp(signal?.reason)
      const late = setTimeout(() => {
        const isWaiting = job.call === undefined
        const atLast = performance.now()
        giveUp(
          isWaiting
            ? busy(atLast, pace.waitMs(atLast))
            : new PkiError('ERR_PKI_SIGNER', { reason: 'no signature in time' }),
        )
      }, timeoutMs)
      const job: Job<Request> = {
        request,
        deadline: now + timeoutMs,
        attempts: 0,
        readyAt: now,
        isSettled: false,
        settle(outcome) {
          if (job.isSettled) return
          job.isSettled = true
          clearTimeout(late)
          signal?.removeEventListener('abort', aborted)
          if ('answer' in outcome) resolve(outcome.answer)
          else reject(outcome.error)
        },
      }
      signal?.addEventListener('abort', aborted, { once: true })
      waiting.push(job)
      start()
    })
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** What the remote end said stays in the cause: it may name accounts and addresses. */
function asSignerError(cause: unknown): PkiError {
  return isPkiError(cause, 'ERR_PKI_SIGNER')
    ? cause
    : new PkiError('ERR_PKI_SIGNER', { reason: 'the remote signer failed' }, { cause })
}
