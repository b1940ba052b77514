import type { IoOptions } from '@fleetcert/x509'
import { type ImportMark, importLimits, type StoreRecord, type TransferStore } from '../../store/store-records.ts'

/** Far below what a store takes at once, since it is estimated. */
const batchOctets = importLimits.octets / 2

/** Puts records into batches that a store takes, and imports them in order. */
export interface RecordImport {
  add(record: StoreRecord): Promise<void>
  /** All that was added is in the store. */
  flush(): Promise<void>
}

export function importInBatches(store: TransferStore, mark: ImportMark, options: IoOptions): RecordImport {
  let batch: StoreRecord[] = []
  let octets = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const records = batch
    batch = []
    octets = 0
    await store.importRecords(mark, records, options)
  }
  return {
    async add(record) {
      const size = sizeOf(record)
      if (batch.length === importLimits.records || (batch.length > 0 && octets + size > batchOctets)) await flush()
      batch.push(record)
      octets += size
    },
    flush,
  }
}

/** More than it takes, roughly. */
function sizeOf(record: StoreRecord): number {
  switch (record.kind) {
    case 'certificate':
      return 2048 + (record.record.der?.length ?? 0) + (record.record.tbsCertificate?.length ?? 0)
    case 'document':
      return 1024 + record.value.length
    case 'crlPart':
      return 1024 + record.octets.length
    case 'crl':
      return 1024 + 3 * (record.note?.length ?? 0)
    default:
      return 1024
  }
}
