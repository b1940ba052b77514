import { contextTag, derTag } from './tag.ts'

/**
 * One element: identifier octet, shortest definite length (X.690 section 10.1), then the parts as they are. One allocation.
 *
 * @param tag - the whole identifier octet; the low-tag-number form only.
 */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return fromParts(tag, parts)
}

/** SEQUENCE of already encoded elements. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return fromParts(derTag.sequence, parts)
}

/** SEQUENCE of any number of already encoded elements: arguments end at some hundred thousand, an array does not. */
export function sequenceOf(parts: readonly Uint8Array[]): Uint8Array {
  return fromParts(derTag.sequence, parts)
}

/** Identifier and length octets alone, for whoever writes the content piece by piece. */
export function elementHeader(tag: number, contentLength: number): Uint8Array {
  return allocateElement(tag, contentLength, 0).bytes
}

/** SET of already encoded elements, in the order given; for SET OF use {@link setOf}. */
export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return fromParts(derTag.set, parts)
}

/** SET OF: "the encodings of the component values of a set-of value shall appear in ascending order" (X.690 section 11.6). The arguments are not reordered. */
export function setOf(...parts: readonly Uint8Array[]): Uint8Array {
  return fromParts(derTag.set, parts.length > 1 ? parts.toSorted(compareEncodings) : parts)
}

/** `[tagNumber]`: constructed around elements (EXPLICIT, or IMPLICIT of a constructed type), or primitive around content octets. */
export function context(tagNumber: number, constructed: boolean, ...parts: readonly Uint8Array[]): Uint8Array {
  return fromParts(contextTag(tagNumber, constructed), parts)
}

/** The octets of all parts, one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** The element with room for its content (or for `room` octets of it), and where the content begins. @internal */
export function allocateElement(
  tag: number,
  contentLength: number,
  room: number = contentLength,
): { bytes: Uint8Array; offset: number } {
  const lengthOctets = sizeOfLength(contentLength)
  const bytes = new Uint8Array(1 + lengthOctets + room)
  bytes[0] = tag
  if (lengthOctets === 1) {
    bytes[1] = contentLength
  } else {
    bytes[1] = 0x80 | (lengthOctets - 1)
    for (let index = lengthOctets, rest = contentLength; index > 1; index--) {
      bytes[index] = rest & 0xff
      rest = Math.floor(rest / 256)
    }
  }
  return { bytes, offset: 1 + lengthOctets }
}

/**
 * X.690 section 11.6: octet by octet, the shorter "padded at the trailing end with 0-octets".
 * Two different encodings never differ in padding alone, so the length decides the rest.
 */
export function compareEncodings(left: Uint8Array, right: Uint8Array): number {
  const shorter = Math.min(left.length, right.length)
  for (let index = 0; index < shorter; index++) {
    const difference = left[index]! - right[index]!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function fromParts(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const element = allocateElement(tag, length)
  const { bytes } = element
  let { offset } = element
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

function sizeOfLength(length: number): number {
  if (length < 0x80) return 1
  if (length < 0x100) return 2
  if (length < 0x1_0000) return 3
  return length < 0x100_0000 ? 4 : 5
}
