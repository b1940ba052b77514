import { isPkiError, PkiError } from '@fleetcert/x509'
import { decodePacked } from '../../store/packed-records.ts'
import { decodeStoreRecord, encodeStoreRecord } from '../../store/record-codec.ts'
import type { StoreRecord } from '../../store/store-records.ts'

const lengthOctets = 4

/** Records as the content of a frame: each behind its length in four octets. */
export function encodeRecordPage(records: readonly StoreRecord[]): Buffer {
  const encoded = records.map(encodeStoreRecord)
  const page = Buffer.allocUnsafe(encoded.reduce((sum, { length }) => sum + lengthOctets + length, 0))
  let at = 0
  for (const octets of encoded) {
    page.writeUInt32BE(octets.length, at)
    page.set(octets, at + lengthOctets)
    at += lengthOctets + octets.length
  }
  return page
}

/** @throws PkiError `ERR_PKI_BACKUP` */
export function decodeRecordPage(page: Buffer): StoreRecord[] {
  const records: StoreRecord[] = []
  for (let at = 0; at < page.length; ) {
    const begin = at + lengthOctets
    const end = begin > page.length ? Number.NaN : begin + page.readUInt32BE(at)
    if (!(end <= page.length)) throw new PkiError('ERR_PKI_BACKUP', { reason: 'a page of records is cut short' })
    records.push(orMalformed(() => decodeStoreRecord(page.subarray(begin, end))))
    at = end
  }
  return records
}

/** Rows as a store has packed them. @throws PkiError `ERR_PKI_BACKUP` */
export function decodePackedPage(kind: 'certificate' | 'event', page: Buffer): StoreRecord[] {
  return orMalformed(() => decodePacked(kind, page))
}

function orMalformed<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    if (!isPkiError(cause)) throw cause
    throw new PkiError('ERR_PKI_BACKUP', { reason: 'a record is malformed' }, { cause })
  }
}
