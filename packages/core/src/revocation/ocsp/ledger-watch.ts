import { setImmediate as pause } from 'node:timers/promises'
import { isPkiError } from '@fleetcert/x509'
import type { Cursor, FleetEvent, FleetEventType, Store } from '../../store/store.ts'
import type { StatusWatch } from './status-watch.ts'

/** What changes the status of a certificate. A reservation that is committed changes it too, but of what has no status nothing is kept. */
const changesStatus: ReadonlySet<FleetEventType> = new Set(['revoked', 'held', 'released'])
const consumer = 'ocsp'
/** Half of the second within which another process's revocation is heard of. */
const freshMilliseconds = 500
const pageEvents = 500
/** Of a ledger that has grown long meanwhile no more is read at once: until it is caught up with, every status is asked for. */
const pagesAtOnce = 4
/** Between such readings: whoever asks meanwhile does not wait for them. */
const pauseMilliseconds = 100
/** So often the place is saved for processes to come, which it spares the past. */
const savedEach = 5000

/** A {@link StatusWatch} that reads the ledger when it is asked, and neither before nor after: it has no timer. */
export interface LedgerWatch extends StatusWatch {
  /** What is known is not fresh any more: this process has changed something. */
  expire(): void
}

/** @param heard called with each change, before anybody is told that all is heard of; without an event: any certificate may have changed. */
export function createLedgerWatch(store: Store, heard: (event: FleetEvent | undefined) => void): LedgerWatch {
  let after: Cursor | undefined
  let reading: Promise<boolean> | undefined
  let epoch = 0
  let unsaved = 0
  /** When the ledger was last read to its end, by a clock that nobody sets. */
  let freshUntil = Number.NEGATIVE_INFINITY
  let expired = false
  /** While a long ledger is caught up with: when to go on. */
  let notBefore = Number.NEGATIVE_INFINITY

  const tell = (event: FleetEvent | undefined): void => {
    epoch += 1
    heard(event)
  }

  const read = async (): Promise<boolean> => {
    expired = false
    const begun = performance.now()
    after ??= await store.cursor(consumer)
    for (let page = 0; page < pagesAtOnce; page += 1) {
      if (page > 0) await pause()
      const { items, next } = await store.ledger({ after, limit: pageEvents })
      for (const event of items) if (changesStatus.has(event.type)) tell(event)
      after = next
      unsaved += items.length
      if (unsaved >= savedEach) {
        unsaved = 0
        // It spares others some reading; nobody relies on it.
        store.saveCursor(consumer, next, undefined).catch(() => {})
      }
      if (items.length < pageEvents) {
        // Somebody may have changed something while it was read: then it has to be read again.
        if (!expired) freshUntil = begun + freshMilliseconds
        return !expired
      }
    }
    notBefore = performance.now() + pauseMilliseconds
    return false
  }

  return {
    get epoch() {
      return epoch
    },
    isFresh: () => performance.now() < freshUntil,
    async refresh(): Promise<boolean> {
      // What is being read was begun before this caller came, and may miss what he knows of.
      if (reading !== undefined) await reading.catch(() => {})
      const time = performance.now()
      if (time < freshUntil) return true
      if (time < notBefore) return false
      reading ??= read()
        .catch((error: unknown) => {
          // What lay between was pruned away.
          if (!isPkiError(error, 'ERR_PKI_CURSOR')) throw error
          after = ''
          tell(undefined)
          return false
        })
        .finally(() => {
          reading = undefined
        })
      return reading
    },
    expire(): void {
      expired = true
      freshUntil = Number.NEGATIVE_INFINITY
    },
  }
}
