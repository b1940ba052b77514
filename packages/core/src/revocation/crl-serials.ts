import { PkiError } from '@fleetcert/x509'

const sequenceTag = 0x30
const integerTag = 0x02
// No issuer has a name of that size, nor a list of less in front of its entries.
const headerOctets = 256 * 1024

/** Told of one serial number: the content of its INTEGER. */
export type VisitSerial = (octets: Uint8Array, start: number, end: number) => void

/**
 * The pages of entries of a CRL of our own, of its parts as they are kept: each array begins with an entry and ends with one. Copies what lies across the end of a part, and no more.
 * @throws PkiError `ERR_PKI_STORE_CORRUPT` for what is no CRL: it was one when it was put.
 */
export function* entryPages(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let index = 0
  let octets: Uint8Array = new Uint8Array()
  // The header may be cut, too, where one more part is short.
  while (index < parts.length && octets.length < headerOctets) octets = joined(octets, parts[index++]!)
  let offset = contentOf(octets, contentOf(octets, 0, sequenceTag).start, sequenceTag).start
  // version, signature, issuer, thisUpdate, nextUpdate
  for (let field = 0; field < 5; field++) offset = contentOf(octets, offset).end
  if (octets[offset] !== sequenceTag) return
  const { start, end } = contentOf(octets, offset, sequenceTag)
  let left = end - start
  octets = octets.subarray(start)
  while (left > 0) {
    const whole = wholeEntries(octets.subarray(0, Math.min(octets.length, left)))
    if (whole > 0) yield octets.subarray(0, whole)
    left -= whole
    if (left === 0) return
    const part = parts[index++]
    if (part === undefined) throw corrupt()
    octets = joined(octets.subarray(whole), part)
  }
}

/** Visits the serial number of every entry of a page. */
export function visitSerials(page: Uint8Array, visit: VisitSerial): void {
  for (let offset = 0; offset < page.length; ) {
    const entry = contentOf(page, offset, sequenceTag)
    const serial = contentOf(page, entry.start, integerTag)
    visit(page, serial.start, serial.end)
    offset = entry.end
  }
}

/** How many octets the entries have that lie in `octets` from beginning to end. */
function wholeEntries(octets: Uint8Array): number {
  let offset = 0
  // Enough for identifier and length of the next.
  while (offset + 4 <= octets.length) {
    const { end } = contentOf(octets, offset, sequenceTag)
    if (end > octets.length) break
    offset = end
  }
  return offset
}

function contentOf(octets: Uint8Array, offset: number, tag?: number): { readonly start: number; readonly end: number } {
  const first = octets[offset + 1]
  if (first === undefined || (tag !== undefined && octets[offset] !== tag)) throw corrupt()
  if (first < 0x80) return { start: offset + 2, end: offset + 2 + first }
  const start = offset + 2 + (first & 0x7f)
  let length = 0
  for (let index = offset + 2; index < start; index++) length = length * 256 + (octets[index] ?? Number.NaN)
  if (!Number.isSafeInteger(length)) throw corrupt()
  return { start, end: start + length }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other
  const octets = new Uint8Array(one.length + other.length)
  octets.set(one)
  octets.set(other, one.length)
  return octets
}

function corrupt(): PkiError<'ERR_PKI_STORE_CORRUPT'> {
  return new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'a stored CRL is not the CRL that it was' })
}
