import { isOfOneCall, isOutrun, toPkiError } from './postgres-error.ts'
import { storeUnavailable } from './store-errors.ts'

/** Makes changes in one transaction: their answers, in their order. */
export type Send = (calls: readonly string[]) => Promise<readonly unknown[]>

/** Changes that wait for their transaction. What waits together goes together: one transaction, one write to the disk. */
export interface WriteQueue {
  /** Resolves the answer to a change, which is JSON. The signal takes it back as long as it waits. */
  add(call: string, signal: AbortSignal | undefined): Promise<unknown>
  /** Resolves when nothing waits or is under way. */
  settled(): Promise<void>
}

interface Waiting {
  readonly call: string
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** While the server commits one transaction it is sent the next one, which waits there for the lock. */
const maxUnderWay = 2
const maxCalls = 128
const maxLength = 1024 * 1024
const maxTries = 4

export function writeQueue(send: Send, timeoutSeconds: number): WriteQueue {
  let waiting: Waiting[] = []
  let underWay = 0
  const settled: (() => void)[] = []

  const pump = (): void => {
    while (underWay < maxUnderWay && waiting.length > 0) {
      const batch = take()
      underWay += 1
      void deliver(batch).then(() => {
        underWay -= 1
        pump()
      })
    }
    if (underWay === 0) for (const tell of settled.splice(0)) tell()
  }

  const take = (): readonly Waiting[] => {
    let count = 0
    let length = 0
    while (count < waiting.length && count < maxCalls && (count === 0 || length < maxLength)) {
      length += waiting[count]!.call.length
      count += 1
    }
    const batch = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return batch
  }

  /** Tells each its answer; rejects nothing. */
  const deliver = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await tries(batch.map(({ call }) => call))
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index])
    } catch (error) {
      if (batch.length > 1 && isOfOneCall(error)) {
        // Nothing of them was done: each alone, and the one at fault fails alone.
        for (const each of batch) await deliver([each])
      } else for (const { reject } of batch) reject(toPkiError(error))
    }
  }

  const tries = async (calls: readonly string[]): Promise<readonly unknown[]> => {
    for (let count = 1; ; count += 1) {
      try {
        return await send(calls)
      } catch (error) {
        if (count === maxTries || !isOutrun(error)) throw error
      }
    }
  }

  return {
    add: (call, signal) =>
      new Promise((resolve, reject) => {
        const leave = (error: unknown): void => {
          waiting = waiting.filter(other => other !== each)
          end()
          reject(error)
        }
        const abort = (): void => {
          // What is under way runs to its end, and is answered.
          if (waiting.includes(each)) leave(signal?.reason)
        }
        const timer = setTimeout(
          () => leave(storeUnavailable('the server did not answer in time')),
          timeoutSeconds * 1000,
        )
        const end = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
        }
        const each: Waiting = {
          call,
          resolve(answer) {
            end()
            resolve(answer)
          },
          reject(error) {
            end()
            reject(error)
          },
        }
        signal?.addEventListener('abort', abort, { once: true })
        waiting.push(each)
        // What is called in the same turn goes along.
        queueMicrotask(pump)
      }),
    settled: () =>
      new Promise(resolve => {
        if (underWay === 0 && waiting.length === 0) resolve()
        else settled.push(resolve)
      }),
  }
}
