import type { DerReader } from './der/reader.ts'
import { toHex } from './fingerprint.ts'

/** RFC 5280 section 4.1.2.2 allows 20. One more, because CAs have drawn 20 random octets and got a sign octet in front of them; openssl takes any. */
const maxOctets = 21

/** The next element as a CertificateSerialNumber. @internal */
export function readSerialNumber(reader: DerReader): { readonly text: string; readonly octets: Uint8Array } {
  const octets = reader.integerOctets()
  if (octets.length > maxOctets) throw reader.error('serial number too long')
  return { text: format(octets), octets }
}

/**
 * Hex without sign octet, lower case, even length. A negative number, which RFC 5280 section 4.1.2.2 asks readers to survive,
 * gets a `-` and its magnitude, so that it is never taken for another certificate's number.
 */
function format(octets: Uint8Array): string {
  const hex = toHex(octets)
  if (octets[0]! & 0x80) {
    const magnitude = ((1n << BigInt(8 * octets.length)) - BigInt(`0x${hex}`)).toString(16)
    return magnitude.length % 2 === 0 ? `-${magnitude}` : `-0${magnitude}`
  }
  return octets.length > 1 && octets[0] === 0 ? hex.slice(2) : hex
}
