import { PkiError } from '@fleetcert/x509'
import { type StoreRecordKind, storeRecordKinds } from '../../store/store-records.ts'

/** The format that is written, and the newest that is read. */
export const backupFormat = 1

/** Which keyring a key belongs to, where there are two. */
export type KeyringRole = 'root' | 'issuing'

/** What a backup begins with. */
export interface BackupHeader {
  readonly format: typeof backupFormat
  readonly fleetId: string
  readonly organization?: string
  readonly createdAt: Date
}

/** A key of the fleet: as its keyring gives it, or only that it is one. */
export interface BackupKey {
  readonly keyring: KeyringRole
  readonly name: string
  /** SubjectPublicKeyInfo in its CA certificate, hex; absent while the CA has none. */
  readonly publicKey?: string
  /** Absent where the keyring does not give it out, or does not have it. */
  readonly pem?: string
}

/** What a backup ends with. */
export interface BackupTrailer {
  readonly records: Readonly<Partial<Record<StoreRecordKind, number>>>
  /** SHA-256 over all frames before, hex. */
  readonly digest: string
  /** Of an issuing CA, over {@link signedText}. */
  readonly signature: {
    /** SubjectPublicKeyInfo, hex. */
    readonly publicKey: string
    /** AlgorithmIdentifier, DER, hex. */
    readonly algorithm: string
    /** Hex. */
    readonly value: string
  }
}

/** What is signed: not a certificate, not a CRL, and nothing else that the key of a CA signs. */
export function signedText(digest: string): Uint8Array {
  return Buffer.from(`fleetcert backup ${backupFormat}\n${digest}\n`)
}

export function encodeJson(value: BackupHeader | BackupKey | BackupTrailer): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_BACKUP_VERSION` */
export function decodeHeader(content: Buffer): BackupHeader {
  const { format, fleetId, organization, createdAt } = parse(content)
  if (typeof format === 'number' && format > backupFormat) {
    throw new PkiError('ERR_PKI_BACKUP_VERSION', { found: format, supported: backupFormat })
  }
  const date = new Date(typeof createdAt === 'string' ? createdAt : Number.NaN)
  const isWhole = format === backupFormat && isHex(fleetId, 16) && !Number.isNaN(date.getTime())
  if (!isWhole || !isOptionalText(organization)) throw malformed('header')
  return {
    format: backupFormat,
    fleetId,
    createdAt: date,
    ...(organization === undefined ? {} : { organization }),
  }
}

/** @throws PkiError `ERR_PKI_BACKUP` */
export function decodeKey(content: Buffer): BackupKey {
  const { keyring, name, publicKey, pem } = parse(content)
  const isKey = (keyring === 'root' || keyring === 'issuing') && typeof name === 'string'
  if (!isKey || !isOptionalText(pem) || !(publicKey === undefined || isHex(publicKey))) throw malformed('key')
  return {
    keyring,
    name,
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(pem === undefined ? {} : { pem }),
  }
}

/** @throws PkiError `ERR_PKI_BACKUP` */
export function decodeTrailer(content: Buffer): BackupTrailer {
  const { records, digest, signature } = parse(content)
  if (!isObject(records) || !isHex(digest, 32) || !isObject(signature)) throw malformed('trailer')
  const isCounted = Object.entries(records).every(
    ([kind, count]) => (storeRecordKinds as readonly string[]).includes(kind) && Number.isSafeInteger(count),
  )
  const { publicKey, algorithm, value } = signature
  if (!isCounted || !isHex(publicKey) || !isHex(algorithm) || !isHex(value)) throw malformed('trailer')
  return { records: records as BackupTrailer['records'], digest, signature: { publicKey, algorithm, value } }
}

function parse(content: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(content.toString())
  } catch {
    throw malformed('frame')
  }
  if (!isObject(value)) throw malformed('frame')
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isHex(value: unknown, octets?: number): value is string {
  return (
    typeof value === 'string' &&
    /^(?:[0-9a-f]{2})+$/.test(value) &&
    (octets === undefined || value.length === 2 * octets)
  )
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function malformed(part: string): PkiError {
  return new PkiError('ERR_PKI_BACKUP', { reason: `its ${part} is malformed` })
}
