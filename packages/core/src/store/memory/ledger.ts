import { PkiError } from '@fleetcert/x509'
import { parsePosition } from '../arguments.ts'
import type { Cursor, FleetEvent, FleetEventInput, FleetEventType, Page } from '../store.ts'
import type { Mutable } from './copies.ts'

/** An event as it is kept: one object, of one shape. */
interface Entry {
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
  /** Sequence number of the entry before `#entries[0]`. */
  #dropped = 0
  #newestAt: number | undefined
  readonly #cursors = new Map<string, Cursor>()

  append(events: readonly FleetEventInput[]): void {
    for (const event of events) {
      const entry = entryOf(event)
      this.#entries.push(entry)
      if (this.#newestAt === undefined || entry.at > this.#newestAt) this.#newestAt = entry.at
    }
  }

  page(after: Cursor, limit: number): Page<FleetEvent> & { readonly next: Cursor } {
    const start = after === '' ? 0 : this.#check(after) - this.#dropped
    const items = this.#entries.slice(start, start + limit).map((event, index): FleetEvent => {
      const sequence = this.#dropped + start + index + 1
      return { ...eventOf(event), sequence, cursor: String(sequence) }
    })
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
    this.#entries.splice(0, count)
    this.#dropped += count
    return count
  }

  #check(cursor: Cursor): number {
    const sequence = parsePosition(cursor)
    if (sequence < this.#dropped || sequence > this.#dropped + this.#entries.length) {
      throw new PkiError('ERR_PKI_CURSOR', {})
    }
    return sequence
  }
}

function entryOf({ type, at, deviceId, certificate, fingerprint, details }: FleetEventInput): Entry {
  return {
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
