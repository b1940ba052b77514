import { createDerReader, type DerReader } from './der/reader.ts'
import { derTag } from './der/tag.ts'
import { PkiError } from './pki-error.ts'
import type { PublicKeyInfo } from './types.ts'

const oidEcPublicKey = '1.2.840.10045.2.1'
const oidRsaEncryption = '1.2.840.113549.1.1.1'
const oidEd25519 = '1.3.101.112'

/** RFC 9881 section 4: the octets of pk in FIPS 204. */
const mlDsa: Readonly<Record<string, { readonly type: 'ml-dsa-44' | 'ml-dsa-65'; readonly octets: number }>> = {
  '2.16.840.1.101.3.4.3.17': { type: 'ml-dsa-44', octets: 1312 },
  '2.16.840.1.101.3.4.3.18': { type: 'ml-dsa-65', octets: 1952 },
}

const curves: Readonly<Record<string, { readonly name: 'P-256' | 'P-384' | 'P-521'; readonly fieldOctets: number }>> = {
  '1.2.840.10045.3.1.7': { name: 'P-256', fieldOctets: 32 },
  '1.3.132.0.34': { name: 'P-384', fieldOctets: 48 },
  '1.3.132.0.35': { name: 'P-521', fieldOctets: 66 },
}

/**
 * What a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) says: EC on the named curves P-256, P-384, P-521 (RFC 5480) with an uncompressed point,
 * RSA (RFC 3279 section 2.3.1), Ed25519 (RFC 8410), ML-DSA-44 and ML-DSA-65 (RFC 9881). Any other algorithm, curve, or spelled-out curve parameters: `unsupported`, named by its OID.
 *
 * The shape is checked, not the key: whether a point lies on its curve or a modulus is a good one is for the crypto library and for policy.
 *
 * @throws PkiError `ERR_PKI_DER`, `ERR_PKI_CERTIFICATE`
 */
export function parsePublicKey(spki: Uint8Array): PublicKeyInfo {
  const reader = createDerReader(spki)
  const publicKey = readPublicKey(reader)
  reader.finish()
  return publicKey
}

/**
 * The octets of the BIT STRING in a SubjectPublicKeyInfo, "excluding the tag, length, and number of unused bits": what key identifiers (RFC 5280 section 4.2.1.2) and the issuerKeyHash of OCSP (RFC 6960 section 4.1.1) are hashes of.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function publicKeyOctets(spki: Uint8Array): Uint8Array {
  const reader = createDerReader(spki)
  reader.enter(derTag.sequence)
  reader.element(derTag.sequence)
  const { octets } = reader.bitString()
  reader.leave()
  reader.finish()
  return octets
}

/** {@link parsePublicKey} of a reader's next element. @internal */
export function readPublicKey(reader: DerReader): PublicKeyInfo {
  reader.enter(derTag.sequence)
  reader.enter(derTag.sequence)
  const algorithm = reader.objectIdentifier()
  let publicKey: PublicKeyInfo
  switch (algorithm) {
    case oidEcPublicKey:
      publicKey = readEcKey(reader)
      break
    case oidRsaEncryption:
      // RFC 3279 section 2.3.1: "The parameters field MUST have ASN.1 type NULL for this algorithm identifier."
      reader.null()
      reader.leave()
      publicKey = readRsaKey(reader)
      break
    case oidEd25519:
      // RFC 8410 section 3: "the parameters MUST be absent". leave() refuses any.
      reader.leave()
      publicKey = { type: 'ed25519', key: wholeOctets(reader) }
      if (publicKey.key.length !== 32) throw malformed('Ed25519 key of a wrong length')
      break
    default:
      publicKey = Object.hasOwn(mlDsa, algorithm) ? readMlDsaKey(reader, mlDsa[algorithm]!) : skipKey(reader, algorithm)
  }
  reader.leave()
  return publicKey
}

function readMlDsaKey(reader: DerReader, { type, octets }: (typeof mlDsa)[string]): PublicKeyInfo {
  // RFC 9881 section 2: "The contents of the parameters component for each algorithm MUST be absent." leave() refuses any.
  reader.leave()
  const key = wholeOctets(reader)
  if (key.length !== octets) throw malformed('ML-DSA key of a wrong length')
  return { type, key }
}

function skipKey(reader: DerReader, algorithm: string): PublicKeyInfo {
  if (!reader.atEnd) reader.element()
  reader.leave()
  reader.bitString()
  return { type: 'unsupported', algorithm }
}

function readEcKey(reader: DerReader): PublicKeyInfo {
  // RFC 5480 section 2.1.1: "implicitCurve and specifiedCurve … MUST NOT be used".
  if (reader.peekTag() !== derTag.objectIdentifier) {
    reader.element()
    reader.leave()
    reader.bitString()
    return { type: 'unsupported', algorithm: oidEcPublicKey }
  }
  const oid = reader.objectIdentifier()
  reader.leave()
  const point = wholeOctets(reader)
  const curve = Object.hasOwn(curves, oid) ? curves[oid]! : undefined
  if (curve === undefined) return { type: 'unsupported', algorithm: oid }
  if (point.length !== 1 + 2 * curve.fieldOctets || point[0] !== 0x04) {
    throw malformed('EC point is not an uncompressed point of its curve')
  }
  return { type: 'ec', curve: curve.name, point }
}

function readRsaKey(reader: DerReader): PublicKeyInfo {
  const inner = createDerReader(wholeOctets(reader), { maxBytes: Number.POSITIVE_INFINITY })
  inner.enter(derTag.sequence)
  const modulus = readUnsigned(inner)
  const publicExponent = readUnsigned(inner)
  inner.leave()
  inner.finish()
  return {
    type: 'rsa',
    modulus,
    modulusBits: modulus.length * 8 - Math.clz32(modulus[0]!) + 24,
    publicExponent: BigInt(
      `0x${Buffer.from(publicExponent.buffer, publicExponent.byteOffset, publicExponent.length).toString('hex')}`,
    ),
  }
}

/** A positive INTEGER without its sign octet. */
function readUnsigned(reader: DerReader): Uint8Array {
  const octets = reader.integerOctets()
  if (octets[0]! & 0x80 || (octets.length === 1 && octets[0] === 0)) throw malformed('RSA integer is not positive')
  return octets[0] === 0 ? octets.subarray(1) : octets
}

function wholeOctets(reader: DerReader): Uint8Array {
  const { octets, unusedBits } = reader.bitString()
  if (unusedBits !== 0) throw reader.error('bit string of no whole octets')
  return octets
}

function malformed(reason: string): PkiError<'ERR_PKI_CERTIFICATE'> {
  return new PkiError('ERR_PKI_CERTIFICATE', { reason })
}
