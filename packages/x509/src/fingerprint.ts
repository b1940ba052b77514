import { hash } from 'node:crypto'
import { PkiError } from './pki-error.ts'

/** SHA-256 of a certificate's DER as `AA:BB:…`, as openssl shows it. */
export function certificateFingerprint(der: Uint8Array): string {
  return withColons(sha256Hex(der))
}

/** SHA-256 of a SubjectPublicKeyInfo's DER as `AA:BB:…`: it stays when a key gets a new certificate. */
export function publicKeyFingerprint(spki: Uint8Array): string {
  return withColons(sha256Hex(spki))
}

/** Lower-case hex SHA-256 of a SubjectPublicKeyInfo's DER: the `issuerKeyId` of a certificate's identity. */
export function keyId(spki: Uint8Array): string {
  return sha256Hex(spki)
}

/** Octets as `AA:BB:…`. */
export function formatFingerprint(bytes: Uint8Array): string {
  const text = Buffer.allocUnsafe(Math.max(0, bytes.length * 3 - 1))
  for (let from = 0, to = 0; from < bytes.length; from += 1, to += 3) {
    if (from > 0) text[to - 1] = 0x3a
    const octet = bytes[from]!
    text[to] = upperCaseDigits.charCodeAt(octet >> 4)
    text[to + 1] = upperCaseDigits.charCodeAt(octet & 15)
  }
  return text.toString('latin1')
}

const upperCaseDigits = '0123456789ABCDEF'

/**
 * The 32 octets of a SHA-256 fingerprint: `AA:BB:…` or 64 hexadecimal digits, in either case.
 *
 * @throws PkiError `ERR_PKI_FINGERPRINT`
 */
export function parseFingerprint(text: string): Uint8Array {
  if (typeof text !== 'string') throw new PkiError('ERR_PKI_FINGERPRINT', { reason: 'not a string' })
  if (text.length === 64 && isHex(text)) return fromHex(text)
  if (text.length !== 95) throw new PkiError('ERR_PKI_FINGERPRINT', { reason: 'wrong length' })
  let hex = ''
  for (let index = 0; index < 95; index += 3) {
    if (index > 0 && text[index - 1] !== ':') throw new PkiError('ERR_PKI_FINGERPRINT', { reason: 'not hexadecimal' })
    hex += text.slice(index, index + 2)
  }
  if (!isHex(hex)) throw new PkiError('ERR_PKI_FINGERPRINT', { reason: 'not hexadecimal' })
  return fromHex(hex)
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Octets of hexadecimal text of even length, in either case. Throws TypeError for anything else. */
export function fromHex(text: string): Uint8Array {
  const octets = Buffer.from(text, 'hex')
  // node:buffer stops at the first character that is no digit.
  if (octets.length * 2 !== text.length) throw new TypeError('"text" must be hexadecimal of even length')
  // A copy: small Buffers share their memory with strangers.
  return new Uint8Array(octets)
}

function isHex(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    const digit = (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)
    if (!digit) return false
  }
  return true
}

function withColons(hex: string): string {
  // One flat string made of octets: concatenating pieces leaves a tree of them behind.
  const text = Buffer.allocUnsafe(Math.max(0, hex.length + hex.length / 2 - 1))
  for (let from = 0, to = 0; from < hex.length; from += 2, to += 3) {
    if (from > 0) text[to - 1] = 0x3a
    text[to] = upperCaseDigit(hex.charCodeAt(from))
    text[to + 1] = upperCaseDigit(hex.charCodeAt(from + 1))
  }
  return text.toString('latin1')
}

function upperCaseDigit(code: number): number {
  return code >= 0x61 ? code - 0x20 : code
}

function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
