import { sequence } from './der/tlv.ts'
import { integer } from './der/writer.ts'

/**
 * ECDSA-Sig-Value (RFC 5480 appendix A), DER, of the pair r‖s as tokens, WebCrypto and some key services return it (IEEE P1363): two halves of the same length, each padded to the length of the group's order.
 *
 * @throws RangeError where the octets are no two halves of 1 to 66 octets
 */
export function ecdsaSignatureValue(pair: Uint8Array): Uint8Array {
  const half = pair.length / 2
  if (!Number.isInteger(half) || half < 1 || half > 66)
    throw new RangeError('"pair" must be two halves of 1 to 66 octets')
  return sequence(integer(pair.subarray(0, half)), integer(pair.subarray(half)))
}
