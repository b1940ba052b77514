import { derTag } from './tag.ts'
import { allocateElement } from './tlv.ts'

/**
 * INTEGER, minimal (X.690 section 8.3.2). Octets are an unsigned magnitude, big-endian: leading zeros go, a sign octet comes where the first bit is set.
 * Throws RangeError for negative or unsafe numbers.
 */
export function integer(value: bigint | number | Uint8Array): Uint8Array {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('"value" must be a safe integer ≥ 0')
    if (value < 0x80) return Uint8Array.of(derTag.integer, 1, value)
    return integer(BigInt(value))
  }
  const magnitude = typeof value === 'bigint' ? octetsOf(value) : value
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const signOctet = magnitude.length === 0 || magnitude[start]! & 0x80 ? 1 : 0
  const { bytes, offset } = allocateElement(derTag.integer, signOctet + magnitude.length - start)
  bytes.set(start === 0 ? magnitude : magnitude.subarray(start), offset + signOctet)
  return bytes
}

/** ENUMERATED, 0 to 127. */
export function enumerated(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 127)
    throw new RangeError('"value" must be an integer from 0 to 127')
  return Uint8Array.of(derTag.enumerated, 1, value)
}

/** BOOLEAN: TRUE is 0xFF (X.690 section 11.1). */
export function boolean(value: boolean): Uint8Array {
  return Uint8Array.of(derTag.boolean, 1, value ? 0xff : 0)
}

/** NULL. */
export function nullValue(): Uint8Array {
  return Uint8Array.of(derTag.null, 0)
}

/** OCTET STRING. */
export function octetString(octets: Uint8Array): Uint8Array {
  return wrap(derTag.octetString, octets)
}

/** BIT STRING of whole octets, or with `unusedBits` (0 to 7) at the end, which must be zero (X.690 section 11.2.1). */
export function bitString(octets: Uint8Array, unusedBits = 0): Uint8Array {
  if (!Number.isInteger(unusedBits) || unusedBits < 0 || unusedBits > 7) {
    throw new RangeError('"unusedBits" must be an integer from 0 to 7')
  }
  const last = octets.length === 0 ? 0 : octets[octets.length - 1]!
  if (unusedBits > 0 && (octets.length === 0 || (last & ((1 << unusedBits) - 1)) !== 0)) {
    throw new RangeError('"octets" must be zero in its unused bits')
  }
  const { bytes, offset } = allocateElement(derTag.bitString, octets.length + 1)
  bytes[offset] = unusedBits
  bytes.set(octets, offset + 1)
  return bytes
}

/** UTF8String. Throws RangeError for a lone surrogate, which UTF-8 cannot carry. */
export function utf8String(text: string): Uint8Array {
  if (isAscii(text)) return asciiElement(derTag.utf8String, text)
  if (!text.isWellFormed()) throw new RangeError('"text" must be well-formed Unicode')
  return wrap(derTag.utf8String, new TextEncoder().encode(text))
}

/** PrintableString: A–Z a–z 0–9 space ' ( ) + , - . / : = ? (X.680 section 41.4); RangeError for others. */
export function printableString(text: string): Uint8Array {
  if (!isPrintable(text)) throw new RangeError('"text" must hold characters of PrintableString only')
  return asciiElement(derTag.printableString, text)
}

/** IA5String: ASCII; RangeError for others. */
export function ia5String(text: string): Uint8Array {
  if (!isAscii(text)) throw new RangeError('"text" must be ASCII')
  return asciiElement(derTag.ia5String, text)
}

/** An element of ASCII text. The caller has checked the text. @internal */
export function asciiElement(tag: number, text: string): Uint8Array {
  const { bytes, offset } = allocateElement(tag, text.length)
  for (let index = 0; index < text.length; index++) bytes[offset + index] = text.charCodeAt(index)
  return bytes
}

/** Whether every character is ASCII. @internal */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}

/** Whether every character is one of PrintableString's. @internal */
export function isPrintable(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (!isPrintableOctet(text.charCodeAt(index))) return false
  return true
}

/** Whether a character code is one of PrintableString's (X.680 section 41.4). @internal */
export function isPrintableOctet(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x27 && code <= 0x3a && code !== 0x2a) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x20 ||
    code === 0x3d ||
    code === 0x3f
  )
}

function wrap(tag: number, content: Uint8Array): Uint8Array {
  const { bytes, offset } = allocateElement(tag, content.length)
  bytes.set(content, offset)
  return bytes
}

function octetsOf(value: bigint): Uint8Array {
  if (value < 0n) throw new RangeError('"value" must be ≥ 0')
  const hex = value.toString(16)
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return new Uint8Array(octets.buffer, octets.byteOffset, octets.length)
}
