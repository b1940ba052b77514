import { PkiError } from '@fleetcert/x509'

/** One run of octets that lies in several pieces, as a CRL of a million entries does; read from front to back. */
export interface OctetParts {
  readonly length: number
  /** The octet at an offset below `length`. */
  octet(offset: number): number
  /** The octets between two offsets: a view where they lie in one piece, a copy where they do not. */
  slice(start: number, end: number): Uint8Array
}

export function octetParts(parts: readonly Uint8Array[]): OctetParts {
  const starts: number[] = []
  let length = 0
  for (const part of parts) {
    starts.push(length)
    length += part.length
  }
  let current = 0
  /** Moves to the part that holds `offset`: mostly the current one or the next. */
  const seek = (offset: number): void => {
    if (offset < (starts[current] ?? 0)) current = 0
    while (current < parts.length - 1 && offset >= starts[current + 1]!) current++
  }
  return {
    length,
    octet(offset) {
      seek(offset)
      return parts[current]![offset - starts[current]!]!
    },
    slice(start, end) {
      if (start === end) return new Uint8Array(0)
      seek(start)
      const offset = start - starts[current]!
      const part = parts[current]!
      if (offset + end - start <= part.length) return part.subarray(offset, offset + end - start)
      const copy = new Uint8Array(end - start)
      for (let index = current, at = 0; at < copy.length; index++) {
        const from = index === current ? offset : 0
        const piece = parts[index]!.subarray(from, from + copy.length - at)
        copy.set(piece, at)
        at += piece.length
      }
      return copy
    },
  }
}

/** Where an element begins, where its content does, and where both end. */
export interface Frame {
  readonly tag: number
  readonly start: number
  readonly content: number
  readonly end: number
}

/**
 * The element at `start`, which has to end at `limit` or before: definite length in the fewest octets (X.690 section 10.1). What is in it is not looked at.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function frameAt(octets: OctetParts, start: number, limit: number): Frame {
  if (start + 2 > limit) throw malformed(start, 'truncated header')
  const tag = octets.octet(start)
  let length = octets.octet(start + 1)
  let content = start + 2
  if (length >= 0x80) {
    const count = length & 0x7f
    if (count === 0 || count > 4 || content + count > limit) throw malformed(start, 'length not allowed')
    const first = octets.octet(content)
    length = 0
    for (let index = 0; index < count; index++) length = length * 256 + octets.octet(content + index)
    if (length < 0x80 || first === 0) throw malformed(start, 'length not minimal')
    content += count
  }
  const end = content + length
  if (end > limit) throw malformed(start, 'element longer than what holds it')
  return { tag, start, content, end }
}

/** The element at `start`, of that tag. @throws PkiError `ERR_PKI_DER` */
export function frameOf(tag: number, octets: OctetParts, start: number, limit: number): Frame {
  const frame = frameAt(octets, start, limit)
  if (frame.tag !== tag) throw malformed(start, 'unexpected element')
  return frame
}

export function malformed(offset: number, reason: string): PkiError<'ERR_PKI_DER'> {
  return new PkiError('ERR_PKI_DER', { offset, reason })
}
