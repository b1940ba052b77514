import { randomBytes } from 'node:crypto'
import type { CertificateId, Holder, Store } from '../store/store.ts'

const leaseSeconds = 30
const renewSeconds = 5

/** This process as the holder of reservations. Their lease is renewed every 5 s while any is open, so that recovery takes over only what a dead process left behind. */
export interface ProcessHolder {
  readonly instance: string
  /** A holder whose reservations stay leased until {@link end} has been called as often. */
  begin(): Holder
  end(): void
  /** Gives up a reservation that the store could not be told of: tried again until it is told. */
  giveUp(id: CertificateId): void
  close(): void
}

export function createProcessHolder(store: Store, clock: () => Date): ProcessHolder {
  const instance = randomBytes(8).toString('hex')
  const givenUp = new Set<CertificateId>()
  let open = 0
  let timer: NodeJS.Timeout | undefined
  const leaseUntil = (): Date => new Date(clock().getTime() + leaseSeconds * 1000)
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  const tick = (): void => {
    for (const id of givenUp) {
      store.abandon({ ...id, at: clock() }).then(
        () => givenUp.delete(id),
        () => {},
      )
    }
    // A failed renewal is the store's trouble: the commit will say `lost`.
    if (open > 0) store.extendHolder(instance, leaseUntil()).catch(() => {})
    else if (givenUp.size === 0) stop()
  }
  return {
    instance,
    begin(): Holder {
      const holder = { instance, leaseUntil: leaseUntil() }
      open += 1
      timer ??= setInterval(tick, renewSeconds * 1000).unref()
      return holder
    },
    end(): void {
      // The timer stops by itself when it finds nothing to do: a timer for each certificate would cost more than that look.
      open -= 1
    },
    giveUp(id: CertificateId): void {
      givenUp.add(id)
    },
    close: stop,
  }
}
