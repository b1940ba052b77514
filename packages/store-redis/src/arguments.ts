import type { CertificateId, CrlParts, CrlScope, Cursor } from '@fleetcert/core'
import { packNumber } from './octets.ts'
import { badCursor } from './store-errors.ts'

const octetsInHex = /^(?:[0-9a-f]{2}){1,64}$/
const position = /^\d{1,15}$/
const partBytes = 1024 * 1024

/** Octets of hexadecimal text. `Buffer.from` would stop at the first character that is none, and name another certificate. */
export function hexOctets(hex: string, label: string): Buffer {
  if (!octetsInHex.test(hex)) throw new TypeError(`${label} must be lower-case hex of even length`)
  return Buffer.from(hex, 'hex')
}

/** The octets of a certificate's id. */
export function idOctets(id: CertificateId): { readonly issuer: Buffer; readonly serial: Buffer } {
  return { issuer: hexOctets(id.issuerKeyId, 'issuerKeyId'), serial: hexOctets(id.serialNumber, 'serialNumber') }
}

/** A CRL's scope as part of a key. The shard has four octets behind the issuer's length and octets. */
export function scopeOctets({ issuerKeyId, shard }: CrlScope): Buffer {
  const issuer = hexOctets(issuerKeyId, 'issuerKeyId')
  return Buffer.concat([packNumber(issuer.length, 1), issuer, packNumber(shard, 4)])
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
  return parseNumber(cursor)
}

/** Where a listing of revoked certificates stands: what page 1 saw last, and what this page saw last. */
export interface RevokedPosition {
  readonly bound: number
  readonly last: number
}

export function parseRevokedPosition(cursor: Cursor | undefined): RevokedPosition | undefined {
  const numbers = parseNumbers(cursor, 2)
  return numbers && { bound: numbers[0]!, last: numbers[1]! }
}

/** Where a listing of a CRL's entries stands: as {@link RevokedPosition}, and the changes that page 1 saw. */
export interface CrlEntriesPosition extends RevokedPosition {
  readonly change: number
}

export function parseCrlEntriesPosition(cursor: Cursor | undefined): CrlEntriesPosition | undefined {
  const numbers = parseNumbers(cursor, 3)
  return numbers && { bound: numbers[0]!, last: numbers[1]!, change: numbers[2]! }
}

/** Where a listing by date of creation stands: behind the row of that date and ordinal. */
export interface CreatedPosition {
  readonly createdAt: number
  readonly ordinal: number
}

/** Where the next page of a listing by date begins; `undefined` for its beginning. */
export function parseCreatedPosition(
  { from, before }: { readonly from: Date; readonly before: Date },
  cursor: Cursor | undefined,
): CreatedPosition | undefined {
  // Cursors hold the dates as digits.
  if (!(from.getTime() >= 0 && before.getTime() >= 0))
    throw new RangeError('from and before must be dates from 1970 on')
  const numbers = parseNumbers(cursor, 2)
  if (numbers === undefined) return undefined
  const place = { createdAt: numbers[0]!, ordinal: numbers[1]! }
  // One of another listing would leave out what lies before it.
  if (place.createdAt < from.getTime() || place.createdAt >= before.getTime()) throw badCursor()
  return place
}

/** A position of a scope's changes that the store has given out. */
export function parseChange(cursor: Cursor, latest: number): number {
  const change = parsePosition(cursor)
  // One of another store, or of a time that a restored backup has forgotten: what has changed since is not known.
  if (change > latest) throw badCursor()
  return change
}

/** How many places a page may have, so that it stays below 1 MiB: an entry has 126 octets at most. */
export function assertEntriesLimit(limit: number): void {
  assertLimit(limit)
  if (limit > 8192) throw new RangeError('limit must be at most 8192')
}

/** An ordinal as rows are known by; cursors may hold more digits than six octets do. */
export function ordinalOctets(ordinal: number): Buffer {
  return packNumber(Math.min(ordinal, 2 ** 48 - 1), 6)
}

function parseNumbers(cursor: Cursor | undefined, count: number): readonly number[] | undefined {
  if (cursor === undefined || cursor === '') return undefined
  const parts = cursor.split('.', count + 1)
  if (parts.length !== count) throw badCursor()
  return parts.map(parseNumber)
}

function parseNumber(text: string): number {
  if (!position.test(text)) throw badCursor()
  return Number(text)
}
