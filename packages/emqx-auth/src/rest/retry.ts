import { setTimeout as sleep } from 'node:timers/promises'
import { isPkiError } from '@fleetcert/core'

const firstMilliseconds = 250
const mostMilliseconds = 8000

/** What a server will not take back by itself, such as a wrong key: trying again at once is of no use. */
const finals = new WeakSet<object>()

/** Marks an error as one that is not tried again here. */
export function final<E extends Error>(error: E): E {
  finals.add(error)
  return error
}

/**
 * Does the work again, with a pause that doubles, until it succeeds, fails for good, or `signal` is aborted: then it rejects with how it last failed, so that whoever reads the log knows what stood in the way.
 * Without a signal it is tried three times.
 */
export async function retrying<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let pause = firstMilliseconds
  let failure: unknown
  for (let attempt = 1; ; attempt += 1) {
    try {
      signal?.throwIfAborted()
      return await work()
    } catch (error) {
      if (signal?.aborted) throw failure ?? error
      failure = error
      if (!isPkiError(error, 'ERR_PKI_ENFORCER') || finals.has(error)) throw error
      if (signal === undefined && attempt === 3) throw error
    }
    // Half of it by chance: a hundred devices must not come back in step.
    const milliseconds = pause / 2 + (Math.random() * pause) / 2
    await sleep(milliseconds, undefined, signal && { signal }).catch(() => {})
    pause = Math.min(2 * pause, mostMilliseconds)
  }
}
