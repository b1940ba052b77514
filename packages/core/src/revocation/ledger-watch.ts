import { setImmediate as pause } from 'node:timers/promises'
import { isPkiError, PkiError } from '@fleetcert/x509'
import type { Cursor, FleetEvent, FleetEventInput, FleetEventType, Store } from '../store/store.ts'

/** What changes nothing about a certificate that is on record already. Of any other entry, also one of a later version, it is taken that it does. */
const harmless: ReadonlySet<FleetEventType> = new Set([
  'fleetCreated',
  'issuing',
  'issued',
  'abandoned',
  'registered',
  'keyBlocked',
  'tokenCreated',
  'renewalsScheduled',
  'renewalsWithdrawn',
  'crlPublished',
  'enforced',
  'settingsChanged',
])
/** The place of whoever watches, by the name of those who did so first. */
const consumer = 'ocsp'
/** Half of the second within which another process's change is heard of. */
const freshMilliseconds = 500
/** From then on whoever asks sees to it that the ledger is read again, and does not wait for it. */
const aheadMilliseconds = 250
const pageEvents = 500
/** Of a ledger that has grown long meanwhile no more is read at once: until it is caught up with, the store is asked for everything. */
const pagesAtOnce = 4
/** Between such readings: whoever asks meanwhile does not wait for them. */
const pauseMilliseconds = 100
/** So often the place is saved for processes to come, which it spares the past. */
const savedEach = 5000

/** What an entry of the ledger says of whom it is about. */
export type Change = Pick<FleetEventInput, 'type' | 'deviceId' | 'certificate' | 'fingerprint'>

/** Hears what changes what is on record. */
export interface ChangeListener {
  /** Called with each change, this process's own too, before anybody is told that all is heard of; the same one may come twice. Without one: anything may have changed. */
  heard(change: Change | undefined): void
  /** This process has changed something; what, the ledger will tell. Nothing that was begun before may be given to those who ask from now on. */
  disturbed?(): void
  /** This process may have ended certificates of this device, whatever became of the call. */
  doubted?(deviceId: string): void
}

/** Tells those who keep what they have read in the store whether it is still so. It reads the ledger when it is asked, and neither before nor after: it has no timer. */
export interface LedgerWatch {
  /** Rises with every change that was heard of or announced. What was read in the store before a change is not to be kept after it. */
  readonly epoch: number
  /** Whether it has a place in the ledger: before it has one, nothing may be kept, for what comes next may be missed. */
  readonly hasBegun: boolean
  /** The ledger's latest date, milliseconds since 1970; `-Infinity` where none is known. */
  readonly newestAt: number
  /** How long ago the ledger was last read to its end, milliseconds, by whichever clock says longer; `Infinity` where that is not known, or where something may have changed since that it does not tell. */
  silence(): number
  /** Whether all changes up to a moment ago have been heard of, so that what is kept may be given out unasked. */
  isFresh(): boolean
  /** Hears of what has changed, from the first call on. Resolves whether it is all heard of now. Rejects when that cannot be known. */
  refresh(): Promise<boolean>
  /** Begins to read the ledger where that helps whoever asks next. Nobody waits for it. */
  look(): void
  /** What is known is not fresh any more: this process has changed something. */
  expire(): void
  /** This process may have ended certificates of this device. Without one there is no saying whose, until the ledger has been read to its end again. */
  doubt(deviceId: string | undefined): void
  /** This process has changed what these entries tell of. */
  note(events: readonly FleetEventInput[]): void
  listen(listener: ChangeListener): void
}

/** One for all of a fleet that keeps something in memory. */
export function createLedgerWatch(store: Store): LedgerWatch {
  const listeners: ChangeListener[] = []
  let after: Cursor | undefined
  /** The newest entry that was heard of, and where it is read again. */
  let newest: { readonly before: Cursor; readonly event: FleetEvent } | undefined
  let reading: Promise<boolean> | undefined
  let epoch = 0
  let newestAt = Number.NEGATIVE_INFINITY
  let unsaved = 0
  /** When the ledger was last read to its end, by a clock that nobody sets. */
  let freshUntil = Number.NEGATIVE_INFINITY
  let aheadFrom = Number.POSITIVE_INFINITY
  let expired = false
  /** When the reading was begun that came to the end last, by a clock that nobody sets, and by one that goes on while the machine sleeps. */
  let heardAllAt = { steady: Number.NEGATIVE_INFINITY, system: 0 }
  /** While a long ledger is caught up with: when to go on. */
  let notBefore = Number.NEGATIVE_INFINITY

  const tell = (change: Change | undefined): void => {
    epoch += 1
    for (const listener of listeners) listener.heard(change)
  }
  const hear = (event: FleetEventInput): void => {
    newestAt = Math.max(newestAt, event.at.getTime())
    if (!harmless.has(event.type)) tell(event)
  }
  const disturb = (): void => {
    for (const listener of listeners) listener.disturbed?.()
  }

  const begin = async (): Promise<Cursor> => {
    const place = await store.cursor(consumer)
    // Behind the place: what is appended meanwhile is read as well.
    newestAt = Math.max(newestAt, (await store.newestEventAt())?.getTime() ?? newestAt)
    return place
  }

  const read = async (): Promise<boolean> => {
    expired = false
    const begun = performance.now()
    const begunAt = Date.now()
    after ??= await begin()
    for (let page = 0; page < pagesAtOnce; page += 1) {
      if (page > 0) await pause()
      const from: Cursor = page === 0 ? (newest?.before ?? after) : after
      const { items, next } = await store.ledger({ after: from, limit: pageEvents })
      const events = page === 0 && newest !== undefined ? behind(newest.event, items) : items
      for (const event of events) hear(event)
      const last = items.at(-1)
      if (last !== undefined) newest = { before: items.at(-2)?.cursor ?? from, event: last }
      after = next
      unsaved += events.length
      if (unsaved >= savedEach) {
        unsaved = 0
        // It spares others some reading; nobody relies on it.
        store.saveCursor(consumer, next, undefined).catch(() => {})
      }
      if (items.length < pageEvents) {
        // Somebody may have changed something while it was read: then it has to be read again.
        if (expired) return false
        heardAllAt = { steady: begun, system: begunAt }
        freshUntil = begun + freshMilliseconds
        aheadFrom = begun + aheadMilliseconds
        return true
      }
    }
    notBefore = performance.now() + pauseMilliseconds
    return false
  }

  const look = (): void => {
    if (reading !== undefined || performance.now() < notBefore) return
    // If it fails, what is known ages, and whoever asks then meets the failure.
    startReading().catch(() => {})
  }

  const startReading = (): Promise<boolean> => {
    reading ??= read()
      .catch((error: unknown) => {
        // What lay between was pruned away, or the store has lost what was heard of.
        if (!isPkiError(error, 'ERR_PKI_CURSOR')) throw error
        after = ''
        newest = undefined
        tell(undefined)
        return false
      })
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  return {
    get epoch() {
      return epoch
    },
    get hasBegun() {
      return after !== undefined
    },
    get newestAt() {
      return newestAt
    },
    isFresh() {
      const time = performance.now()
      if (time >= freshUntil) return false
      if (time >= aheadFrom) {
        aheadFrom = Number.POSITIVE_INFINITY
        look()
      }
      return true
    },
    silence: () => Math.max(performance.now() - heardAllAt.steady, Date.now() - heardAllAt.system),
    look,
    async refresh(): Promise<boolean> {
      // What is being read was begun before this caller came, and may miss what he knows of.
      if (reading !== undefined) await reading.catch(() => {})
      const time = performance.now()
      if (time < freshUntil) return true
      if (time < notBefore) return false
      return startReading()
    },
    expire(): void {
      expired = true
      freshUntil = Number.NEGATIVE_INFINITY
      epoch += 1
      disturb()
    },
    doubt(deviceId): void {
      if (deviceId !== undefined) for (const listener of listeners) listener.doubted?.(deviceId)
      else heardAllAt = { steady: Number.NEGATIVE_INFINITY, system: 0 }
    },
    note(events): void {
      for (const event of events) hear(event)
      disturb()
    },
    listen(listener): void {
      listeners.push(listener)
    },
  }
}

/**
 * What came behind the entry that was heard of last, which is read again each time. After a failover or a power cut a server may have lost its latest entries, and have written others in their places: whoever asks only for what
 * is behind his own would never hear of those.
 *
 * @throws PkiError `ERR_PKI_CURSOR`: it is not there any more
 */
function behind(known: FleetEvent, [first, ...others]: readonly FleetEvent[]): readonly FleetEvent[] {
  if (first === undefined || !isSame(known, first)) throw new PkiError('ERR_PKI_CURSOR', {})
  return others
}

function isSame(a: FleetEvent, b: FleetEvent): boolean {
  return (
    a.sequence === b.sequence &&
    a.type === b.type &&
    a.at.getTime() === b.at.getTime() &&
    a.deviceId === b.deviceId &&
    a.fingerprint === b.fingerprint &&
    a.certificate?.issuerKeyId === b.certificate?.issuerKeyId &&
    a.certificate?.serialNumber === b.certificate?.serialNumber
  )
}
