import { isPkiError } from '@fleetcert/x509'
import { encodeStoreRecord } from './record-codec.ts'
import { badRecord } from './record-octets.ts'
import type { CertificateEntry, LedgerEntry, StoreRecord } from './store-records.ts'

// A packed row is what a database can put together by itself, without a call for each: a JSON array on one line, then octets whose lengths the array says. See `PackedKind` for the members.
const lineFeed = 0x0a
const hashOctets = 32

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * Reads packed rows, strictly: what comes out is what {@link encodeStoreRecord} takes.
 * @throws PkiError `ERR_PKI_STORE_RECORD`
 */
export function decodePacked(kind: 'certificate' | 'event', octets: Uint8Array): StoreRecord[] {
  const packed = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  const records: StoreRecord[] = []
  let at = 0
  const take = (length: Json | undefined): Buffer => {
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0 || at + length > packed.length) {
      throw broken(kind)
    }
    at += length
    return packed.subarray(at - length, at)
  }
  while (at < packed.length) {
    const end = packed.indexOf(lineFeed, at)
    const row = end === -1 ? undefined : parseRow(packed.toString('utf8', at, end))
    if (row === undefined) throw broken(kind)
    at = end + 1
    const record = kind === 'certificate' ? toCertificate(row, take) : toEvent(row, take)
    check(record)
    records.push(record)
  }
  return records
}

type Take = (length: Json | undefined) => Buffer

function toCertificate(row: readonly Json[], take: Take): CertificateEntry {
  const [ordinal, epoch, state, role, profile, notBefore, notAfter, shard, createdAt, ...rest] = row
  const [deviceId, owner, attributes, supersededAt, supersededBy, keyIdOctets, serialOctets, derOctets] = rest
  if (row.length !== 17) throw broken('certificate')
  const id = { issuerKeyId: take(keyIdOctets).toString('hex'), serialNumber: take(serialOctets).toString('hex') }
  const record = {
    id,
    role,
    profile,
    publicKeyHash: new Uint8Array(take(hashOctets)),
    notBefore: toDate(notBefore),
    notAfter: toDate(notAfter),
    shard,
    createdAt: toDate(createdAt),
    state,
    ...given('deviceId', deviceId),
    ...given('owner', owner),
    ...given('attributes', parseObject(attributes)),
    fingerprint: new Uint8Array(take(hashOctets)),
    der: new Uint8Array(take(derOctets)),
    ...(supersededAt === null ? {} : { supersededAt: toDate(supersededAt) }),
  }
  return { kind: 'certificate', ordinal, record, epoch, ...given('supersededBy', supersededBy) } as CertificateEntry
}

function toEvent(row: readonly Json[], take: Take): LedgerEntry {
  const [sequence, type, at, deviceId, fingerprint, details, keyIdOctets, serialOctets] = row
  if (row.length !== 8) throw broken('event')
  const isOfCertificate = keyIdOctets !== null && serialOctets !== null
  const certificate = isOfCertificate
    ? { issuerKeyId: take(keyIdOctets).toString('hex'), serialNumber: take(serialOctets).toString('hex') }
    : undefined
  const event = {
    type,
    at: toDate(at),
    ...given('deviceId', deviceId),
    ...(certificate === undefined ? {} : { certificate }),
    ...given('fingerprint', fingerprint),
    ...given('details', parseObject(details)),
  }
  return { kind: 'event', sequence, event } as LedgerEntry
}

function given(name: string, value: Json | undefined): object {
  return value === null || value === undefined ? {} : { [name]: value }
}

function toDate(value: Json | undefined): Date {
  return new Date(typeof value === 'number' ? value : Number.NaN)
}

function parseRow(text: string): readonly Json[] | undefined {
  const value = parseText(text)
  return Array.isArray(value) ? value : undefined
}

/** An object as JSON in a text; `null` for none. */
function parseObject(text: Json | undefined): Json {
  const value = parseText(text)
  if (typeof value !== 'object' || Array.isArray(value)) throw badRecord('unknown', 'a text is no JSON object')
  return value
}

function parseText(text: Json | undefined): Json {
  if (text === null || text === undefined) return null
  try {
    return JSON.parse(typeof text === 'string' ? text : '')
  } catch {
    throw badRecord('unknown', 'a text is no JSON')
  }
}

/** Types and bounds, as of any record that is read from a file. */
function check(record: StoreRecord): void {
  try {
    encodeStoreRecord(record)
  } catch (error) {
    if (isPkiError(error)) throw error
    throw broken(record.kind)
  }
}

function broken(kind: StoreRecord['kind']): Error {
  return badRecord(kind, 'a packed row is cut off, or none')
}
