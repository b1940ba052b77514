import type { StoreRecordKey } from './store-records.ts'

/** What a record is found by, as text: two records of one text are the same piece of a fleet at two moments. */
export function recordKey(key: StoreRecordKey): string {
  switch (key.kind) {
    case 'head':
      return key.kind
    case 'certificate':
      return `${key.kind} ${key.record.id.issuerKeyId}.${key.record.id.serialNumber}`
    case 'event':
      return `${key.kind} ${key.sequence}`
    case 'device':
      return `${key.kind} ${key.deviceId}`
    case 'blockedKey':
      return `${key.kind} ${hex(key.publicKeyHash)}`
    case 'token':
      return `${key.kind} ${hex(key.token.hash)}`
    case 'document':
    case 'lease':
      return `${key.kind} ${key.name}`
    case 'crlScope':
      return `${key.kind} ${key.issuerKeyId}.${key.shard}`
    case 'crl':
      return `${key.kind} ${key.issuerKeyId}.${key.shard}.${key.delta}`
    case 'crlPart':
      return `${key.kind} ${key.issuerKeyId}.${key.shard}.${key.delta}.${key.crlNumber}.${key.part}`
    case 'consumer':
      return `${key.kind} ${key.consumer}`
  }
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex')
}
