import { PkiError } from '@fleetcert/x509'
import { parsePosition } from '../arguments.ts'
import type { Cursor, FleetEvent, FleetEventInput, FleetEventType, Page } from '../store.ts'
import type { LedgerEntry } from '../store-records.ts'
import type { Mutable } from './copies.ts'

/** An event as it is kept: one object, of one shape. */
interface Entry {
  readonly sequence: number
  readonly type: FleetEventType
  /** In milliseconds. */
  readonly at: number
  readonly deviceId: string | undefined
  readonly issuerKeyId: string | undefined
  readonly serialNumber: string | undefined
  readonly fingerprint: string | undefined
  readonly details: FleetEventInput['details']
}

/** The ledger: an array whose front is cut off by retention. */
export class Ledger {
  #entries: Entry[] = []
  /** Sequence number of the last entry that was cut off; what lies between it and `#entries[0]` never was. */
  #dropped = 0
  #newestAt: number | undefined
  readonly #cursors = new Map<string, Cursor>()

  append(events: readonly FleetEventInput[]): void {
    for (const event of events) {
      const entry = entryOf(this.lastSequence + 1, event)
      this.#entries.push(entry)
      if (this.#newestAt === undefined || entry.at > this.#newestAt) this.#newestAt = entry.at
    }
  }

  page(after: Cursor, limit: number): Page<FleetEvent> & { readonly next: Cursor } {
    const start = after === '' ? 0 : this.#behind(this.#check(after))
    const items = this.#entries
      .slice(start, start + limit)
      .map((entry): FleetEvent => ({ ...eventOf(entry), sequence: entry.sequence, cursor: String(entry.sequence) }))
    return { items, next: items.at(-1)?.cursor ?? after }
  }

  newestAt(): Date | undefined {
    return this.#newestAt === undefined ? undefined : new Date(this.#newestAt)
  }

  cursor(consumer: string): Cursor {
    return this.#cursors.get(consumer) ?? ''
  }

  saveCursor(consumer: string, cursor: Cursor): void {
    if (cursor !== '') this.#check(cursor)
    this.#cursors.set(consumer, cursor)
  }

  /** The newest entry stays: the clock is checked against it. */
  prune(before: Date, limit: number): number {
    let count = 0
    while (count < limit && count < this.#entries.length - 1 && this.#entries[count]!.at < before.getTime()) count++
    this.#dropped = this.#entries.splice(0, count).at(-1)?.sequence ?? this.#dropped
    return count
  }

  /** 0 for an empty one. */
  get lastSequence(): number {
    return this.#entries.at(-1)?.sequence ?? this.#dropped
  }

  /** Entries behind a sequence number, as they move between stores. */
  records(after: number, limit: number): readonly LedgerEntry[] {
    const start = this.#behind(after)
    return this.#entries
      .slice(start, start + limit)
      .map(entry => ({ kind: 'event', sequence: entry.sequence, event: eventOf(entry) }))
  }

  *consumers(): Generator<readonly [string, number]> {
    for (const [consumer, cursor] of this.#cursors) yield [consumer, parsePosition(cursor)]
  }

  /** Takes imported entries, by sequence number. There may be gaps: a fleet that was restored from a backup leaves numbers out. */
  restore(records: readonly LedgerEntry[], newestAt: Date | undefined): void {
    this.#dropped = (records[0]?.sequence ?? 1) - 1
    for (const { sequence, event } of records) {
      const entry = entryOf(sequence, event)
      this.#entries.push(entry)
      if (this.#newestAt === undefined || entry.at > this.#newestAt) this.#newestAt = entry.at
    }
    if (newestAt !== undefined) this.#newestAt = Math.max(this.#newestAt ?? newestAt.getTime(), newestAt.getTime())
  }

  restoreConsumer(consumer: string, sequence: number): void {
    this.#cursors.set(consumer, sequence === 0 ? '' : String(sequence))
  }

  #check(cursor: Cursor): number {
    const sequence = parsePosition(cursor)
    if (sequence < this.#dropped || sequence > this.lastSequence) throw new PkiError('ERR_PKI_CURSOR', {})
    return sequence
  }

  /** Index of the first entry behind a sequence number. */
  #behind(sequence: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.sequence <= sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}

function entryOf(sequence: number, { type, at, deviceId, certificate, fingerprint, details }: FleetEventInput): Entry {
  return {
    sequence,
    type,
    at: at.getTime(),
    deviceId,
    issuerKeyId: certificate?.issuerKeyId,
    serialNumber: certificate?.serialNumber,
    fingerprint,
    details: details && { ...details },
  }
}

function eventOf({ type, at, deviceId, issuerKeyId, serialNumber, fingerprint, details }: Entry): FleetEventInput {
  const event: Mutable<FleetEventInput> = { type, at: new Date(at) }
  if (deviceId !== undefined) event.deviceId = deviceId
  if (issuerKeyId !== undefined && serialNumber !== undefined) event.certificate = { issuerKeyId, serialNumber }
  if (fingerprint !== undefined) event.fingerprint = fingerprint
  if (details !== undefined) event.details = { ...details }
  return event
}
