/**
 * Octets as a string, one character each: a single object for the garbage collector, where a Uint8Array of more than 64 is three and a finalizer,
 * and a key of a Map as it is.
 */
export type Octets = string

export function toOctets(bytes: Uint8Array): Octets {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Memory of its own, of a plain Uint8Array. */
export function octetsOf(octets: Octets): Uint8Array {
  return new Uint8Array(Buffer.from(octets, 'latin1'))
}
