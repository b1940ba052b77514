import type { CertificateId, CrlParts, Cursor } from '@fleetcert/core'
import { StoreFailure } from './store-failure.ts'

const octetsInHex = /^(?:[0-9a-f]{2}){1,64}$/
const position = /^\d{1,15}$/
const partBytes = 1024 * 1024

/** Octets of hexadecimal text. `Buffer.from` would stop at the first character that is none, and name another certificate. */
export function octetsOf(hex: string, label: string): Uint8Array {
  if (!octetsInHex.test(hex)) throw new TypeError(`${label} must be lower-case hex of even length`)
  return Buffer.from(hex, 'hex')
}

/** The two octet strings of a certificate's id, in the order of the index. */
export function idOctets(id: CertificateId): [issuerKeyId: Uint8Array, serialNumber: Uint8Array] {
  return [octetsOf(id.issuerKeyId, 'issuerKeyId'), octetsOf(id.serialNumber, 'serialNumber')]
}

export function assertHash(hash: Uint8Array, label: string): void {
  if (hash.length !== 32) throw new RangeError(`${label} must be 32 octets`)
}

export function assertLimit(limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('limit must be a whole number of at least 1')
}

export function assertLeaseSeconds(seconds: number): void {
  if (!Number.isFinite(seconds) || seconds < 0) throw new RangeError('seconds must be 0 or more')
}

export function assertCrl(crl: CrlParts): void {
  if (crl.parts.some(part => part.length > partBytes)) throw new RangeError('a part of a CRL must be at most 1 MiB')
  if (crl.crlNumber < 0n || crl.crlNumber >= 2n ** 63n) throw new RangeError('crlNumber must be below 2^63')
}

/** The number in a cursor, 0 for the beginning. */
export function parsePosition(cursor: Cursor | undefined): number {
  if (cursor === undefined || cursor === '') return 0
  if (!position.test(cursor)) throw new StoreFailure('ERR_PKI_CURSOR', {})
  return Number(cursor)
}

/** Where a listing of revoked certificates stands: what page 1 saw last, and what this page saw last. */
export interface RevokedPosition {
  readonly bound: number
  readonly last: number
}

export function parseRevokedPosition(cursor: Cursor | undefined): RevokedPosition | undefined {
  if (cursor === undefined || cursor === '') return undefined
  const [bound = '', last = '', ...rest] = cursor.split('.')
  if (rest.length > 0 || !position.test(bound) || !position.test(last)) throw new StoreFailure('ERR_PKI_CURSOR', {})
  return { bound: Number(bound), last: Number(last) }
}

/** Where a listing by date of creation stands: behind the row of that date and ordinal. */
export interface CreatedPosition {
  readonly createdAt: number
  readonly ordinal: number
}

/** Where the next page of a listing by date begins. */
export function createdPosition(
  { from, before }: { readonly from: Date; readonly before: Date },
  cursor: Cursor | undefined,
): CreatedPosition {
  // Cursors hold the dates as digits.
  if (!(from.getTime() >= 0 && before.getTime() >= 0))
    throw new RangeError('from and before must be dates from 1970 on')
  if (cursor === undefined || cursor === '') return { createdAt: from.getTime(), ordinal: 0 }
  const [createdAt = '', ordinal = '', ...rest] = cursor.split('.')
  const isOurs = rest.length === 0 && position.test(createdAt) && position.test(ordinal)
  const place = { createdAt: Number(createdAt), ordinal: Number(ordinal) }
  // One of another listing would leave out what lies before it.
  if (!isOurs || place.createdAt < from.getTime() || place.createdAt >= before.getTime()) {
    throw new StoreFailure('ERR_PKI_CURSOR', {})
  }
  return place
}

/** Where a listing of a CRL's entries stands: the last revocation that page 1 saw, the last one of this page, and the changes that page 1 saw. */
export interface CrlEntriesPosition extends RevokedPosition {
  readonly change: number
}

export function parseCrlEntriesPosition(cursor: Cursor | undefined): CrlEntriesPosition | undefined {
  if (cursor === undefined || cursor === '') return undefined
  const [bound = '', last = '', change = '', ...rest] = cursor.split('.')
  if (rest.length > 0 || ![bound, last, change].every(part => position.test(part))) {
    throw new StoreFailure('ERR_PKI_CURSOR', {})
  }
  return { bound: Number(bound), last: Number(last), change: Number(change) }
}

/** A position of a scope's changes that the store has given out. */
export function parseChange(cursor: Cursor, latest: number): number {
  const change = parsePosition(cursor)
  // One of another store, or of a time that a restored backup has forgotten: what has changed since is not known.
  if (change > latest) throw new StoreFailure('ERR_PKI_CURSOR', {})
  return change
}

/** How many places a page may have, so that it stays below 1 MiB: an entry has 126 octets at most. */
export function assertEntriesLimit(limit: number): void {
  assertLimit(limit)
  if (limit > 8192) throw new RangeError('limit must be at most 8192')
}
