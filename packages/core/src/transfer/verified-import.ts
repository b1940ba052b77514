import { type IoOptions, PkiError } from '@fleetcert/x509'
import { encodeStoreRecord } from '../store/record-codec.ts'
import { recordKey } from '../store/record-keys.ts'
import { type ImportMark, importLimits, type StoreRecord, type TransferStore } from '../store/store-records.ts'

const recordsPerImport = 500
const octetsPerImport = importLimits.octets / 2

/**
 * Imports records in pieces, reads each piece back and compares it octet by octet.
 *
 * @throws PkiError `ERR_PKI_COPY_MISMATCH`
 */
export async function importVerified(
  to: TransferStore,
  mark: ImportMark,
  records: readonly StoreRecord[],
  options: IoOptions,
): Promise<void> {
  for (const piece of pieces(records)) {
    await to.importRecords(mark, piece, options)
    const [different] = await differing(to, piece, options)
    if (different !== undefined) {
      throw new PkiError('ERR_PKI_COPY_MISMATCH', { kind: different.kind, reason: 'a record was read back otherwise' })
    }
  }
}

/** Those of the records that the store does not have like that. */
export async function differing(
  store: TransferStore,
  records: readonly StoreRecord[],
  options: IoOptions,
): Promise<readonly StoreRecord[]> {
  const different: StoreRecord[] = []
  for (const piece of pieces(records)) {
    const { items } = await store.exportRecords({ keys: piece }, options)
    const found = new Map(items.map(record => [recordKey(record), record]))
    different.push(...piece.filter(record => !isKept(record, found.get(recordKey(record)))))
  }
  return different
}

function isKept(record: StoreRecord, found: StoreRecord | undefined): boolean {
  if (found === undefined) return false
  // Counters that never go back: what came behind this record has raised them, or somebody who had looked in before.
  if (record.kind === 'lease' && found.kind === 'lease') return found.fence >= record.fence
  if (record.kind === 'head' && found.kind === 'head') {
    return (
      found.lastOrdinal >= record.lastOrdinal &&
      found.lastSequence >= record.lastSequence &&
      (record.newestEventAt === undefined || (found.newestEventAt ?? 0) >= record.newestEventAt)
    )
  }
  return Buffer.compare(encodeStoreRecord(record), encodeStoreRecord(found)) === 0
}

function* pieces(records: readonly StoreRecord[]): Generator<readonly StoreRecord[]> {
  let piece: StoreRecord[] = []
  let octets = 0
  for (const record of records) {
    const size = roughSize(record)
    if (piece.length > 0 && (piece.length === recordsPerImport || octets + size > octetsPerImport)) {
      yield piece
      piece = []
      octets = 0
    }
    piece.push(record)
    octets += size
  }
  if (piece.length > 0) yield piece
}

function roughSize(record: StoreRecord): number {
  const rest = 1024
  switch (record.kind) {
    case 'certificate':
      return rest + (record.record.der?.length ?? 0) + (record.record.tbsCertificate?.length ?? 0)
    case 'document':
      return rest + record.value.length
    case 'crlPart':
      return rest + record.octets.length
    default:
      return rest
  }
}
