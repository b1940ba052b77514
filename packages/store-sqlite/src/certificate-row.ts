import type { CertificateRecord, CertificateRole, CertificateState, CrlReason, Revocation } from '@fleetcert/core'
import { storeCorrupt } from './store-failure.ts'

/** A row of `certificates` as {@link certificateColumns} selects it. */
export interface CertificateRow extends RevocationColumns {
  readonly ordinal: number
  readonly issuer_key_id: Uint8Array
  readonly serial_number: Uint8Array
  readonly state: CertificateState
  readonly role: CertificateRole
  readonly profile: string
  readonly device_id: string | null
  readonly owner: string | null
  readonly attributes: string | null
  readonly public_key_hash: Uint8Array
  readonly not_before: number
  readonly not_after: number
  readonly shard: number
  readonly created_at: number
  readonly der: Uint8Array | null
  readonly fingerprint: Uint8Array | null
  readonly tbs_certificate: Uint8Array | null
  readonly instance: string | null
  readonly lease_until: number | null
  readonly superseded_at: number | null
}

export interface RevocationColumns {
  readonly revocation_date: number | null
  readonly reason: CrlReason | null
  readonly invalidity_date: number | null
}

export const certificateColumns = `c.ordinal, c.issuer_key_id, c.serial_number, c.state, c.role, c.profile, c.device_id, c.owner,
  c.attributes, c.public_key_hash, c.not_before, c.not_after, c.shard, c.created_at, c.der, c.fingerprint, c.tbs_certificate,
  c.instance, c.lease_until, c.superseded_at, c.revocation_date, c.reason, c.invalidity_date`

export function toRecord(row: CertificateRow): CertificateRecord {
  const revocation = toRevocation(row)
  return {
    id: { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) },
    role: row.role,
    profile: row.profile,
    ...(row.device_id !== null && { deviceId: row.device_id }),
    ...(row.owner !== null && { owner: row.owner }),
    ...(row.attributes !== null && { attributes: parseJson(row.attributes) as Record<string, string> }),
    publicKeyHash: toOctets(row.public_key_hash),
    notBefore: new Date(row.not_before),
    notAfter: new Date(row.not_after),
    shard: row.shard,
    createdAt: new Date(row.created_at),
    state: row.state,
    ...(row.der && { der: toOctets(row.der) }),
    ...(row.tbs_certificate && { tbsCertificate: toOctets(row.tbs_certificate) }),
    ...(row.fingerprint && { fingerprint: toOctets(row.fingerprint) }),
    ...(revocation && { revocation }),
    ...(row.superseded_at !== null && { supersededAt: new Date(row.superseded_at) }),
    ...(row.instance !== null &&
      row.lease_until !== null && { holder: { instance: row.instance, leaseUntil: new Date(row.lease_until) } }),
  }
}

export function toRevocation(row: RevocationColumns): Revocation | undefined {
  if (row.revocation_date === null || row.reason === null) return undefined
  return {
    revocationDate: new Date(row.revocation_date),
    reason: row.reason,
    ...(row.invalidity_date !== null && { invalidityDate: new Date(row.invalidity_date) }),
  }
}

/** A plain Uint8Array of its own: better-sqlite3 gives a Buffer. */
export function toOctets(blob: Uint8Array): Uint8Array {
  return Object.getPrototypeOf(blob) === Uint8Array.prototype ? blob : new Uint8Array(blob)
}

export function toHex(blob: Uint8Array): string {
  return Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('hex')
}

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw storeCorrupt('a text that should be JSON is not', error)
  }
}
