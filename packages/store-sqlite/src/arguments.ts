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
