import type { CrlParts, Cursor } from '@fleetcert/core'
import { badCursor } from './store-errors.ts'

const octetsInHex = /^(?:[0-9a-f]{2}){1,64}$/
const position = /^\d{1,15}$/
const partBytes = 1024 * 1024

/** Lower-case hexadecimal as it is. Another spelling of the same octets would be taken for another certificate by the caller. */
export function hexText(hex: string, label: string): string {
  if (!octetsInHex.test(hex)) throw new TypeError(`${label} must be lower-case hex of even length`)
  return hex
}

/** Octets of hexadecimal text. */
export function hexOctets(hex: string, label: string): Buffer {
  return Buffer.from(hexText(hex, label), 'hex')
}

/** Text that the server can hold. */
export function plainText(text: string, label: string): string {
  if (!text.isWellFormed() || text.includes('\0')) throw new TypeError(`${label} must be text without U+0000`)
  return text
}

/** A date as the server keeps it. */
export function milliseconds(date: Date, label: string): number {
  const time = date.getTime()
  if (Number.isNaN(time)) throw new RangeError(`${label} must be a date`)
  return time
}

/** 32 octets, in hexadecimal. */
export function hashText(hash: Uint8Array, label: string): string {
  if (hash.length !== 32) throw new RangeError(`${label} must be 32 octets`)
  return octetText(hash)
}

/** Octets in hexadecimal. */
export function octetText(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex')
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

/** How many places a page may have, so that it stays below 1 MiB: an entry has 126 octets at most. */
export function assertEntriesLimit(limit: number): void {
  assertLimit(limit)
  if (limit > 8192) throw new RangeError('limit must be at most 8192')
}

/** The number in a cursor, 0 for the beginning. */
export function parsePosition(cursor: Cursor | undefined): number {
  return parseNumbers(cursor, 1)?.[0] ?? 0
}

/** The numbers in a cursor of so many, `undefined` for the beginning. */
export function parseNumbers(cursor: Cursor | undefined, count: number): readonly number[] | undefined {
  if (cursor === undefined || cursor === '') return undefined
  const parts = cursor.split('.', count + 1)
  if (parts.length !== count || !parts.every(part => position.test(part))) throw badCursor()
  return parts.map(Number)
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
  const [createdAt = from.getTime(), ordinal = 0] = parseNumbers(cursor, 2) ?? []
  // One of another listing would leave out what lies before it.
  if (cursor && (createdAt < from.getTime() || createdAt >= before.getTime())) throw badCursor()
  return { createdAt, ordinal }
}
