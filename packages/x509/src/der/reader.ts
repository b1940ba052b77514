import { PkiError } from '../pki-error.ts'
import { decodeObjectIdentifier } from './object-identifier.ts'
import { derTag } from './tag.ts'
import { decodeTime } from './time.ts'
import { wellKnownObjectIdentifier } from './well-known-object-identifiers.ts'

/** How much a reader takes on. */
export interface DerLimits {
  /** Larger input is `ERR_PKI_TOO_LARGE`. Default 64 KiB. */
  readonly maxBytes?: number
  /** How deep elements may nest. Default 32. */
  readonly maxDepth?: number
}

/**
 * A cursor over DER that refuses everything DER has two ways for. Each method reads the next element of the open constructed element and moves on.
 * All octet arrays are views of the input: nothing is copied, and no octet is looked at more often than its nesting is deep.
 *
 * Every method throws PkiError `ERR_PKI_DER` with the offset and a reason.
 */
export interface DerReader {
  /** Where the next element begins, from the start of the input. */
  readonly offset: number
  /** Elements read so far: the work done, for tests of linearity. */
  readonly elements: number
  /** Whether the open constructed element, or the input, has no more elements. */
  readonly atEnd: boolean
  /** The identifier octet of the next element; `undefined` at the end. */
  peekTag(): number | undefined
  /** Opens a constructed element. */
  enter(tag: number): void
  /** Closes the constructed element that was opened last; everything in it must have been read. */
  leave(): void
  /** The input ends here, with nothing left open. */
  finish(): void
  /** The content octets of an element of a primitive type. */
  content(tag: number): Uint8Array
  /** A whole element, of `tag` if given. What nests in it is checked to be DER. */
  element(tag?: number): Uint8Array
  /** The octets of the input between two offsets. */
  slice(start: number, end: number): Uint8Array
  /** BOOLEAN, 00 or FF. */
  boolean(): boolean
  /** INTEGER, possibly negative. `tag`, here and below: another one in place of the type's own (IMPLICIT). */
  integer(tag?: number): bigint
  /** The content octets of an INTEGER: two's complement, minimal. */
  integerOctets(tag?: number): Uint8Array
  /** An INTEGER from 0 to 2^31 − 1. */
  smallInteger(tag?: number): number
  /** An ENUMERATED from 0 to 127. */
  enumerated(): number
  /** BIT STRING; the unused bits at its end are zero. */
  bitString(tag?: number): { readonly octets: Uint8Array; readonly unusedBits: number }
  /** The octets of an OCTET STRING. */
  octetString(tag?: number): Uint8Array
  /** NULL. */
  null(): void
  /** Dotted form. At most 128 octets, arcs below 2^133. */
  objectIdentifier(tag?: number): string
  /** UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5. */
  time(): Date
  /** GeneralizedTime in the form of RFC 5280 section 4.1.2.5.2. */
  generalizedTime(): Date
  /** An error at the place of the element read last. */
  error(reason: string): PkiError<'ERR_PKI_DER'>
}

const defaultMaxBytes = 64 * 1024
const defaultMaxDepth = 32

/**
 * A strict reader of `bytes`: definite lengths in the fewest octets (X.690 section 10.1), low tag numbers, minimal integers (8.3.2), BOOLEAN 00 or FF (11.1),
 * unused bits zero (11.2.1), no constructed strings (10.2).
 *
 * @throws PkiError `ERR_PKI_TOO_LARGE`
 */
export function createDerReader(bytes: Uint8Array, limits: DerLimits = {}): DerReader {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('"bytes" must be a Uint8Array')
  const limitBytes = limits.maxBytes ?? defaultMaxBytes
  if (bytes.length > limitBytes) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
  return new StrictReader(bytes, limits.maxDepth ?? defaultMaxDepth)
}

class StrictReader implements DerReader {
  offset = 0
  elements = 0
  private readonly bytes: Uint8Array
  private readonly maxDepth: number
  /** Where the open constructed element ends, and those around it. */
  private end: number
  private readonly ends: number[] = []
  /** Of the header read last. */
  private headerStart = 0
  private contentStart = 0
  private contentEnd = 0

  constructor(bytes: Uint8Array, maxDepth: number) {
    this.bytes = bytes
    this.maxDepth = maxDepth
    this.end = bytes.length
  }

  get atEnd(): boolean {
    return this.offset === this.end
  }

  peekTag(): number | undefined {
    return this.offset === this.end ? undefined : this.bytes[this.offset]
  }

  enter(tag: number): void {
    this.header(tag)
    this.open()
  }

  leave(): void {
    if (this.offset !== this.end) throw this.fail('unexpected element', this.offset)
    const outer = this.ends.pop()
    if (outer === undefined) throw new RangeError('leave() without enter()')
    this.end = outer
  }

  finish(): void {
    if (this.ends.length > 0) throw new RangeError('finish() inside an element')
    if (this.offset !== this.end) throw this.fail('octets behind the end', this.offset)
  }

  content(tag: number): Uint8Array {
    this.primitive(tag)
    return this.bytes.subarray(this.contentStart, this.contentEnd)
  }

  element(tag?: number): Uint8Array {
    const start = this.offset
    const found = this.header(tag)
    const { contentEnd } = this
    if (found & 0x20) this.check(found)
    else this.checkPrimitive(found)
    this.offset = contentEnd
    return this.bytes.subarray(start, contentEnd)
  }

  slice(start: number, end: number): Uint8Array {
    return this.bytes.subarray(start, end)
  }

  boolean(): boolean {
    this.primitive(derTag.boolean)
    this.checkBoolean()
    return this.bytes[this.contentStart] === 0xff
  }

  integer(tag: number = derTag.integer): bigint {
    const octets = this.integerOctets(tag)
    // Hexadecimal digits become a BigInt in linear time, decimal ones do not.
    const magnitude = BigInt(`0x${Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex')}`)
    return octets[0]! & 0x80 ? magnitude - (1n << BigInt(8 * octets.length)) : magnitude
  }

  integerOctets(tag: number = derTag.integer): Uint8Array {
    this.primitive(tag)
    this.checkInteger()
    return this.bytes.subarray(this.contentStart, this.contentEnd)
  }

  smallInteger(tag: number = derTag.integer): number {
    this.primitive(tag)
    this.checkInteger()
    const { bytes, contentStart, contentEnd } = this
    if (contentEnd - contentStart > 4 || bytes[contentStart]! & 0x80) throw this.error('integer out of range')
    let value = 0
    for (let index = contentStart; index < contentEnd; index++) value = value * 256 + bytes[index]!
    return value
  }

  enumerated(): number {
    this.primitive(derTag.enumerated)
    this.checkInteger()
    const value = this.bytes[this.contentStart]!
    if (this.contentEnd - this.contentStart > 1 || value > 127) throw this.error('enumerated out of range')
    return value
  }

  bitString(tag: number = derTag.bitString): { octets: Uint8Array; unusedBits: number } {
    this.primitive(tag)
    this.checkBitString()
    return {
      octets: this.bytes.subarray(this.contentStart + 1, this.contentEnd),
      unusedBits: this.bytes[this.contentStart]!,
    }
  }

  octetString(tag: number = derTag.octetString): Uint8Array {
    return this.content(tag)
  }

  null(): void {
    this.primitive(derTag.null)
    this.checkNull()
  }

  objectIdentifier(tag: number = derTag.objectIdentifier): string {
    this.primitive(tag)
    return this.decodeObjectIdentifier()
  }

  time(): Date {
    const tag = this.peekTag()
    if (tag !== derTag.utcTime && tag !== derTag.generalizedTime) throw this.fail('expected a time', this.offset)
    return this.decodeTime(tag, tag === derTag.utcTime ? 2 : 4)
  }

  generalizedTime(): Date {
    return this.decodeTime(derTag.generalizedTime, 4)
  }

  error(reason: string): PkiError<'ERR_PKI_DER'> {
    return this.fail(reason, this.headerStart)
  }

  /** Reads identifier and length octets and moves to the content. */
  private header(expected?: number): number {
    const { bytes, end } = this
    let offset = this.offset
    this.headerStart = offset
    if (end - offset < 2) throw this.fail(offset === end ? 'missing element' : 'truncated header', offset)
    const tag = bytes[offset]!
    if (expected !== undefined && tag !== expected) {
      throw this.fail(`expected tag ${hexOctet(expected)}, found ${hexOctet(tag)}`, offset)
    }
    // No type of X.509 has a tag number above 30, and tag 0 of the universal class is the end-of-contents of BER.
    if ((tag & 0x1f) === 0x1f || (tag & 0xdf) === 0) throw this.fail('tag not allowed', offset)
    let length = bytes[offset + 1]!
    offset += 2
    if (length >= 0x80) {
      const octets = length & 0x7f
      // X.690 section 10.1: "The definite form of length encoding shall be used, encoded in the minimum number of octets."
      if (octets === 0) throw this.fail('indefinite length', this.headerStart)
      if (octets > 4) throw this.fail('length too large', this.headerStart)
      if (end - offset < octets) throw this.fail('truncated header', this.headerStart)
      length = 0
      for (let index = 0; index < octets; index++) length = length * 256 + bytes[offset + index]!
      if (length < 0x80 || bytes[offset] === 0) throw this.fail('length not minimal', this.headerStart)
      offset += octets
    }
    if (length > end - offset) throw this.fail('element longer than what holds it', this.headerStart)
    this.elements++
    this.offset = offset
    this.contentStart = offset
    this.contentEnd = offset + length
    return tag
  }

  /** A header of a primitive element; moves behind its content. */
  private primitive(tag: number): void {
    this.header(tag)
    this.offset = this.contentEnd
  }

  private open(): void {
    if (this.ends.length >= this.maxDepth) throw this.fail('nested too deeply', this.headerStart)
    this.ends.push(this.end)
    this.end = this.contentEnd
  }

  /** Walks a constructed element whose header was just read, without recursion. */
  private check(tag: number): void {
    const depth = this.ends.length
    this.checkConstructed(tag)
    this.open()
    while (this.ends.length > depth) {
      if (this.offset === this.end) {
        this.end = this.ends.pop()!
        continue
      }
      const found = this.header()
      if (found & 0x20) {
        this.checkConstructed(found)
        this.open()
      } else {
        this.checkPrimitive(found)
        this.offset = this.contentEnd
      }
    }
  }

  private checkConstructed(tag: number): void {
    // X.690 section 10.2: "the constructed form of encoding shall not be used" for strings.
    if (tag < 0x40 && tag !== derTag.sequence && tag !== derTag.set) throw this.error('constructed form not allowed')
  }

  private checkPrimitive(tag: number): void {
    switch (tag) {
      case derTag.boolean:
        this.checkBoolean()
        break
      case derTag.integer:
      case derTag.enumerated:
        this.checkInteger()
        break
      case derTag.bitString:
        this.checkBitString()
        break
      case derTag.null:
        this.checkNull()
        break
      case derTag.objectIdentifier:
        this.decodeObjectIdentifier()
        break
      case derTag.sequence & 0x1f:
      case derTag.set & 0x1f:
        throw this.error('primitive form not allowed')
    }
  }

  private checkBoolean(): void {
    const value = this.bytes[this.contentStart]
    if (this.contentEnd - this.contentStart !== 1 || (value !== 0 && value !== 0xff)) {
      throw this.error('boolean neither 00 nor FF')
    }
  }

  private checkInteger(): void {
    const { bytes, contentStart } = this
    const length = this.contentEnd - contentStart
    if (length === 0) throw this.error('empty integer')
    if (length === 1) return
    // X.690 section 8.3.2: the first nine bits "shall not all be ones; and shall not all be zero".
    const first = bytes[contentStart]!
    const nextBit = bytes[contentStart + 1]! & 0x80
    if ((first === 0 && nextBit === 0) || (first === 0xff && nextBit !== 0)) throw this.error('integer not minimal')
  }

  private checkBitString(): void {
    const { bytes, contentStart, contentEnd } = this
    if (contentEnd === contentStart) throw this.error('empty bit string')
    const unusedBits = bytes[contentStart]!
    if (unusedBits === 0) return
    if (unusedBits > 7 || contentEnd - contentStart === 1) throw this.error('bit string with impossible unused bits')
    if (bytes[contentEnd - 1]! & ((1 << unusedBits) - 1)) throw this.error('unused bits not zero')
  }

  private checkNull(): void {
    if (this.contentEnd !== this.contentStart) throw this.error('null with content')
  }

  private decodeObjectIdentifier(): string {
    const known = wellKnownObjectIdentifier(this.bytes, this.contentStart, this.contentEnd)
    if (known !== undefined) return known
    const decoded = decodeObjectIdentifier(this.bytes, this.contentStart, this.contentEnd)
    if (typeof decoded !== 'string') throw this.error(decoded.reason)
    return decoded
  }

  private decodeTime(tag: number, yearDigits: 2 | 4): Date {
    this.primitive(tag)
    const date = decodeTime(this.bytes, this.contentStart, this.contentEnd, yearDigits)
    if (date === undefined) throw this.error('time not in a form of RFC 5280')
    return date
  }

  private fail(reason: string, offset: number): PkiError<'ERR_PKI_DER'> {
    return new PkiError('ERR_PKI_DER', { offset, reason })
  }
}

function hexOctet(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`
}
