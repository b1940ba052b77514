import { encodeStoreRecord } from './record-codec.ts'
import {
  type ExportRequest,
  type ImportMark,
  importLimits,
  type StoreRecord,
  storeRecordKinds,
} from './store-records.ts'

const fleetId = /^[0-9a-f]{32}$/
const noteCharacters = 4096

/**
 * Checks what a store's `importRecords` is given, before anything is written: limits, and every record as a file's reader would. For authors of stores.
 *
 * @throws TypeError, RangeError, PkiError `ERR_PKI_STORE_RECORD`
 */
export function assertImport(mark: ImportMark, records: readonly StoreRecord[]): void {
  if (!fleetId.test(mark?.fleetId)) throw new TypeError('fleetId: expected 32 lower-case hexadecimal digits')
  if (typeof mark.note !== 'string' || mark.note.length > noteCharacters) {
    throw new RangeError(`note: expected at most ${noteCharacters} characters`)
  }
  if (records.length > importLimits.records) throw new RangeError(`expected at most ${importLimits.records} records`)
  let octets = 0
  for (const record of records) octets += encodeStoreRecord(record).length
  // One that is larger than that has to go somehow.
  if (records.length > 1 && octets > importLimits.octets) {
    throw new RangeError(`expected records of at most ${importLimits.octets} octets together`)
  }
}

/** Checks what a store's `exportRecords` is asked for. For authors of stores. */
export function assertExport(request: ExportRequest): void {
  if ('keys' in request) {
    if (request.keys.length > importLimits.records)
      throw new RangeError(`expected at most ${importLimits.records} keys`)
    return
  }
  if (!storeRecordKinds.includes(request.kind)) throw new TypeError('kind: expected a kind of record')
  if (!Number.isSafeInteger(request.limit) || request.limit < 1) {
    throw new RangeError('limit must be a whole number of at least 1')
  }
}
