import { PkiError } from '@fleetcert/x509'
import type { StoreRecordKind } from './store-records.ts'

/** What a record is refused with. */
export function badRecord(kind: StoreRecordKind | 'unknown', reason: string): PkiError {
  return new PkiError('ERR_PKI_STORE_RECORD', { kind, reason })
}

const octetsInHex = /^(?:[0-9a-f]{2}){1,64}$/
const lastMoment = 8.64e15
const biggest = 2n ** 63n

/** Packs a record: whole numbers in groups of seven bits, dates as doubles, texts and octets behind their length. What is out of bounds is refused, so what was packed can be read back. */
export class RecordWriter {
  readonly #kind: StoreRecordKind
  #octets = Buffer.allocUnsafe(2048)
  #length = 0

  constructor(kind: StoreRecordKind) {
    this.#kind = kind
  }

  finish(): Uint8Array {
    return new Uint8Array(this.#octets.subarray(0, this.#length))
  }

  count(value: number, label: string): void {
    if (!Number.isSafeInteger(value) || value < 0) throw this.#bad(label, 'is no whole number')
    let rest = value
    while (rest > 127) {
      this.#octet((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.#octet(rest)
  }

  /** Below 2^63. */
  big(value: bigint, label: string): void {
    if (typeof value !== 'bigint' || value < 0n || value >= biggest) throw this.#bad(label, 'is out of bounds')
    this.#room(8).writeBigUInt64BE(value, this.#length)
    this.#length += 8
  }

  date(value: Date, label: string): void {
    const time = value instanceof Date ? value.getTime() : Number.NaN
    if (Number.isNaN(time)) throw this.#bad(label, 'is no date')
    this.#room(8).writeDoubleBE(time, this.#length)
    this.#length += 8
  }

  text(value: string, label: string): void {
    // Half of a surrogate pair would come back as another text.
    if (typeof value !== 'string' || !value.isWellFormed()) throw this.#bad(label, 'is no well-formed text')
    const bytes = Buffer.byteLength(value)
    this.count(bytes, label)
    this.#room(bytes).write(value, this.#length)
    this.#length += bytes
  }

  octets(value: Uint8Array, label: string): void {
    if (!ArrayBuffer.isView(value)) throw this.#bad(label, 'is no octets')
    this.count(value.length, label)
    this.#room(value.length).set(value, this.#length)
    this.#length += value.length
  }

  hash(value: Uint8Array, label: string): void {
    if (value?.length !== 32) throw this.#bad(label, 'is not 32 octets')
    this.#room(32).set(value, this.#length)
    this.#length += 32
  }

  hex(value: string, label: string): void {
    if (!octetsInHex.test(value)) throw this.#bad(label, 'is no lower-case hexadecimal of even length')
    this.octets(Buffer.from(value, 'hex'), label)
  }

  /** One of a fixed list. */
  word(value: string, words: readonly string[], label: string): void {
    const index = words.indexOf(value)
    if (index < 0) throw this.#bad(label, 'is unknown')
    this.#octet(index)
  }

  flags(...given: readonly boolean[]): void {
    this.#octet(given.reduce((sum, flag, index) => sum + (flag ? 2 ** index : 0), 0))
  }

  #bad(label: string, reason: string): PkiError {
    return badRecord(this.#kind, `${label} ${reason}`)
  }

  #octet(value: number): void {
    this.#room(1)[this.#length] = value
    this.#length += 1
  }

  #room(octets: number): Buffer {
    if (this.#length + octets > this.#octets.length) {
      const larger = Buffer.allocUnsafe(2 * (this.#length + octets))
      larger.set(this.#octets.subarray(0, this.#length))
      this.#octets = larger
    }
    return this.#octets
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads what {@link RecordWriter} has packed, and nothing else: each record has one encoding. */
export class RecordReader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  }

  end(): void {
    if (this.#at !== this.#octets.length) throw broken('it has octets behind its end')
  }

  count(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const octet = this.#octet()
      value += (octet % 128) * scale
      if (!Number.isSafeInteger(value)) throw broken('a number is out of bounds')
      if (octet < 128) {
        if (octet === 0 && scale > 1) throw broken('a number is longer than it must be')
        return value
      }
      scale *= 128
    }
  }

  big(): bigint {
    const value = this.#octets.readBigUInt64BE(this.#advance(8))
    if (value >= biggest) throw broken('a number is out of bounds')
    return value
  }

  date(): Date {
    const time = this.#octets.readDoubleBE(this.#advance(8))
    if (!Number.isInteger(time) || Object.is(time, -0) || Math.abs(time) > lastMoment) throw broken('a date is none')
    return new Date(time)
  }

  text(): string {
    try {
      return decoder.decode(this.#view(this.count()))
    } catch {
      throw broken('a text is none, or cut off')
    }
  }

  octets(): Uint8Array {
    return new Uint8Array(this.#view(this.count()))
  }

  hash(): Uint8Array {
    return new Uint8Array(this.#view(32))
  }

  hex(): string {
    const octets = this.#view(this.count())
    if (octets.length < 1 || octets.length > 64) throw broken('an id is empty or too long')
    return octets.toString('hex')
  }

  word<Word extends string>(words: readonly Word[]): Word {
    const word = words[this.#octet()]
    if (word === undefined) throw broken('a word is unknown')
    return word
  }

  flags(count: number): readonly boolean[] {
    const octet = this.#octet()
    if (octet >= 2 ** count) throw broken('it says what is not known')
    return Array.from({ length: count }, (_, index) => (octet & (2 ** index)) !== 0)
  }

  #octet(): number {
    return this.#octets[this.#advance(1)]!
  }

  #view(length: number): Buffer {
    const at = this.#advance(length)
    return this.#octets.subarray(at, at + length)
  }

  #advance(length: number): number {
    const at = this.#at
    if (at + length > this.#octets.length) throw broken('it is cut off')
    this.#at = at + length
    return at
  }
}

function broken(reason: string): PkiError {
  return badRecord('unknown', reason)
}
