import { PkiError } from '@fleetcert/core'

/** Lets so much work run at a time and refuses the rest at once: a queue would only make everybody late. */
export interface Gate {
  /** @throws PkiError `ERR_PKI_BUSY`, with a time to come back that is another for each */
  run<T>(work: () => Promise<T>): Promise<T>
}

const leastSeconds = 5
const mostSeconds = 65

/** A gate for `maximum` at a time. */
export function createGate(maximum: number): Gate {
  let running = 0
  return {
    async run(work) {
      if (running >= maximum) {
        const retryAfterSeconds = leastSeconds + Math.floor(Math.random() * (mostSeconds - leastSeconds))
        throw new PkiError('ERR_PKI_BUSY', { retryAfterSeconds })
      }
      running += 1
      try {
        return await work()
      } finally {
        running -= 1
      }
    },
  }
}
