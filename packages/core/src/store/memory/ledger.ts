import { PkiError } from '@fleetcert/x509'
import { parsePosition } from '../arguments.ts'
import type { Cursor, FleetEvent, FleetEventInput, Page } from '../store.ts'
import { copyDate, copyEvent } from './copies.ts'

/** The ledger: an array whose front is cut off by retention. */
export class Ledger {
  #entries: FleetEventInput[] = []
  /** Sequence number of the entry before `#entries[0]`. */
  #dropped = 0
  #newestAt: Date | undefined
  readonly #cursors = new Map<string, Cursor>()

  append(events: readonly FleetEventInput[]): void {
    for (const event of events) {
      const entry = copyEvent(event)
      this.#entries.push(entry)
      if (this.#newestAt === undefined || entry.at > this.#newestAt) this.#newestAt = entry.at
    }
  }

  page(after: Cursor, limit: number): Page<FleetEvent> & { readonly next: Cursor } {
    const start = after === '' ? 0 : this.#check(after) - this.#dropped
    const items = this.#entries.slice(start, start + limit).map((event, index): FleetEvent => {
      const sequence = this.#dropped + start + index + 1
      return { ...copyEvent(event), sequence, cursor: String(sequence) }
    })
    return { items, next: items.at(-1)?.cursor ?? after }
  }

  newestAt(): Date | undefined {
    return this.#newestAt && copyDate(this.#newestAt)
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
    while (count < limit && count < this.#entries.length - 1 && this.#entries[count]!.at < before) count++
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
