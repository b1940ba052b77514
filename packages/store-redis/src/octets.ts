// How numbers, dates and texts are packed. `struct` of Redis' Lua reads the same.

/** A whole number in so many octets, big-endian. */
export function packNumber(value: number, length: number): Buffer {
  const octets = Buffer.alloc(length)
  octets.writeUIntBE(value, 0, length)
  return octets
}

/** A date as a double, big-endian. */
export function packDate(date: Date, label: string): Buffer {
  const octets = Buffer.alloc(8)
  octets.writeDoubleBE(milliseconds(date, label))
  return octets
}

/** Octets behind their length. */
export function packCounted(value: Uint8Array, size: number, label: string): Buffer {
  if (value.length >= 2 ** (8 * size)) throw new RangeError(`${label} is too long`)
  return Buffer.concat([packNumber(value.length, size), value])
}

/** Text behind its length. */
export function packText(text: string, size: number, label: string): Buffer {
  return packCounted(Buffer.from(text), size, label)
}

/** A date as scripts take it: in decimal. */
export function dateText(date: Date, label: string): string {
  return String(milliseconds(date, label))
}

/** Octets as an argument of a command, in the same memory. */
export function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
}

/** A plain Uint8Array in the same memory. */
export function asOctets(octets: Buffer): Uint8Array {
  return new Uint8Array(octets.buffer, octets.byteOffset, octets.byteLength)
}

/** Memory of its own, of a plain Uint8Array. */
export function ownOctets(octets: Uint8Array): Uint8Array {
  return new Uint8Array(octets)
}

function milliseconds(date: Date, label: string): number {
  const time = date.getTime()
  if (Number.isNaN(time)) throw new RangeError(`${label} must be a date`)
  return time
}
