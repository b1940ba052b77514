import type { CertificateRecord, CertificateRole, CertificateState, CrlReason, Revocation } from '@fleetcert/core'
import type { SqliteValue } from './sqlite-database.ts'
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

/** A row from its values, in the order of {@link certificateColumns}. */
export function rowOf(values: readonly SqliteValue[]): CertificateRow {
  return {
    ordinal: values[0],
    issuer_key_id: values[1],
    serial_number: values[2],
    state: values[3],
    role: values[4],
    profile: values[5],
    device_id: values[6],
    owner: values[7],
    attributes: values[8],
    public_key_hash: values[9],
    not_before: values[10],
    not_after: values[11],
    shard: values[12],
    created_at: values[13],
    der: values[14],
    fingerprint: values[15],
    tbs_certificate: values[16],
    instance: values[17],
    lease_until: values[18],
    superseded_at: values[19],
    revocation_date: values[20],
    reason: values[21],
    invalidity_date: values[22],
  } as CertificateRow
}

export function toRecord(row: CertificateRow): CertificateRecord {
  // Members are set one by one: spreading a conditional object for each of them costs several times as much.
  const record: { -readonly [Key in keyof CertificateRecord]: CertificateRecord[Key] } = {
    id: { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) },
    role: row.role,
    profile: row.profile,
    publicKeyHash: toOctets(row.public_key_hash),
    notBefore: new Date(row.not_before),
    notAfter: new Date(row.not_after),
    shard: row.shard,
    createdAt: new Date(row.created_at),
    state: row.state,
  }
  if (row.device_id !== null) record.deviceId = row.device_id
  if (row.owner !== null) record.owner = row.owner
  if (row.attributes !== null) record.attributes = parseJson(row.attributes) as Record<string, string>
  if (row.der) record.der = toOctets(row.der)
  if (row.tbs_certificate) record.tbsCertificate = toOctets(row.tbs_certificate)
  if (row.fingerprint) record.fingerprint = toOctets(row.fingerprint)
  const revocation = toRevocation(row)
  if (revocation !== undefined) record.revocation = revocation
  if (row.superseded_at !== null) record.supersededAt = new Date(row.superseded_at)
  if (row.instance !== null && row.lease_until !== null) {
    record.holder = { instance: row.instance, leaseUntil: new Date(row.lease_until) }
  }
  return record
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
