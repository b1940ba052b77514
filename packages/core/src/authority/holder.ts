import { randomBytes } from 'node:crypto'
import type { Holder, Store } from '../store/store.ts'

const leaseSeconds = 30
const renewSeconds = 5

/** This process as the holder of reservations. Their lease is renewed every 5 s while any is open, so that recovery takes over only what a dead process left behind. */
export interface ProcessHolder {
  readonly instance: string
  /** Runs `work` with a holder whose reservations stay leased until it is done. */
  hold<T>(work: (holder: Holder) => Promise<T>): Promise<T>
  close(): void
}

export function createProcessHolder(store: Store, clock: () => Date): ProcessHolder {
  const instance = randomBytes(8).toString('hex')
  let open = 0
  let timer: NodeJS.Timeout | undefined
  const leaseUntil = (): Date => new Date(clock().getTime() + leaseSeconds * 1000)
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  return {
    instance,
    async hold<T>(work: (holder: Holder) => Promise<T>): Promise<T> {
      open += 1
      timer ??= setInterval(() => {
        // A failed renewal is the store's trouble: the commit will say `lost`.
        store.extendHolder(instance, leaseUntil()).catch(() => {})
      }, renewSeconds * 1000).unref()
      try {
        return await work({ instance, leaseUntil: leaseUntil() })
      } finally {
        open -= 1
        if (open === 0) stop()
      }
    },
    close: stop,
  }
}
