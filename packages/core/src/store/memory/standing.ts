import { randomBytes } from 'node:crypto'
import { PkiError } from '@fleetcert/x509'
import type { Page } from '../store.ts'
import type { ExportRequest, ImportMark, StoreRecord, StoreState } from '../store-records.ts'
import { exportRecords, type MemoryTables } from './export-records.ts'
import { ImportedRecords, restoreTables } from './import-records.ts'

/** Whether a fleet is at work in the tables, moves in, or has moved out. */
export class Standing {
  readonly #tables: MemoryTables
  #fleetId = randomBytes(16).toString('hex')
  #state: Exclude<StoreState['state'], 'empty'> = 'open'
  #note = ''
  #imported = new ImportedRecords()

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  /** Throws unless a fleet is, or may be, at work. */
  assertWritable(): void {
    if (this.#state === 'sealed') throw new PkiError('ERR_PKI_STORE_MOVED', {})
    if (this.#state === 'receiving') throw new PkiError('ERR_PKI_STORE_INCOMPLETE', {})
  }

  state(): StoreState {
    if (this.#state === 'receiving') return { fleetId: this.#fleetId, state: this.#state, note: this.#note }
    return { fleetId: this.#fleetId, state: this.#state === 'open' && this.#isEmpty() ? 'empty' : this.#state }
  }

  change(from: StoreState['state'], to: 'open' | 'sealed'): boolean {
    if (this.#state === to) return true
    if (this.#state !== from) return false
    if (from === 'receiving') {
      restoreTables(this.#tables, this.#imported)
      this.#imported = new ImportedRecords()
    }
    this.#state = to
    return true
  }

  export(request: ExportRequest): Page<StoreRecord> {
    return this.#state === 'receiving' ? this.#imported.export(request) : exportRecords(this.#tables, request)
  }

  import({ fleetId, note }: ImportMark, records: readonly StoreRecord[]): void {
    const { state, fleetId: own } = this.state()
    if (state !== 'empty' && (state !== 'receiving' || own !== fleetId)) throw new PkiError('ERR_PKI_STORE_IN_USE', {})
    this.#imported.add(records)
    this.#state = 'receiving'
    this.#fleetId = fleetId
    this.#note = note
  }

  #isEmpty(): boolean {
    const { table, tokens, ledger, crls, documents } = this.#tables
    const sizes = [table.lastOrder, ledger.lastSequence, tokens.size, documents.size, crls.scopes().size]
    return sizes.every(size => size === 0) && table.blockedKeyCount === 0
  }
}
