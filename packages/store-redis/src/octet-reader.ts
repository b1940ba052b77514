import { storeCorrupt } from './store-errors.ts'

/** Reads what scripts and this package have packed: numbers big-endian, strings behind their length. */
export class OctetReader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  /** A whole number of that many octets. */
  number(length: number): number {
    const at = this.#advance(length)
    if (length === 1) return this.#octets[at]!
    return this.#octets.readUIntBE(at, length)
  }

  double(): number {
    return this.#octets.readDoubleBE(this.#advance(8))
  }

  date(): Date {
    return new Date(this.double())
  }

  /** So many octets, in the memory of the reply. */
  octets(length: number): Buffer {
    const at = this.#advance(length)
    return this.#octets.subarray(at, at + length)
  }

  /** Octets behind a length of `size` octets. */
  counted(size: number): Buffer {
    return this.octets(this.number(size))
  }

  text(size: number): string {
    const length = this.number(size)
    const at = this.#advance(length)
    return this.#octets.toString('utf8', at, at + length)
  }

  /** Octets behind their length, in hexadecimal. */
  hex(size: number): string {
    const length = this.number(size)
    const at = this.#advance(length)
    return this.#octets.toString('hex', at, at + length)
  }

  /** Passes over so many octets. */
  skip(length: number): void {
    this.#advance(length)
  }

  rest(): Buffer {
    return this.#octets.subarray(this.#advance(this.#octets.length - this.#at))
  }

  get isAtEnd(): boolean {
    return this.#at === this.#octets.length
  }

  #advance(length: number): number {
    const at = this.#at
    if (at + length > this.#octets.length) throw storeCorrupt('a value is too short')
    this.#at = at + length
    return at
  }
}
