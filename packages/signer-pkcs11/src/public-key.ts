import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { SignatureAlgorithm } from '@fleetcert/x509'
import type { FoundKey, SigningScheme } from './thread/thread-messages.ts'
import { TokenFailure } from './token-failure.ts'

/** A key of the token in the words of X.509. */
export interface TokenKey {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: KeyObject
  readonly scheme: SigningScheme
  readonly signatureOctets: number
}

interface Curve {
  /** CKA_EC_PARAMS, hex: tokens name it by its OBJECT IDENTIFIER, or as PKCS #11 3.0 may by a PrintableString. */
  readonly params: readonly string[]
  readonly crv: string
  readonly octets: number
  readonly algorithm: SignatureAlgorithm
}

const curves: readonly Curve[] = [
  { params: ['06082a8648ce3d030107'], crv: 'P-256', octets: 32, algorithm: 'ecdsa-with-SHA256' },
  { params: ['06052b81040022'], crv: 'P-384', octets: 48, algorithm: 'ecdsa-with-SHA384' },
]
const ed25519: readonly string[] = ['06032b6570', '130c656477617264733235353139']

/** What the token says of a key, read strictly: that the octets are a key is node:crypto's to say. A failure of the kind `defect` for any other. */
export function readTokenKey({ publicKey }: FoundKey): TokenKey {
  if (publicKey.type === 'rsa') {
    const { modulus, publicExponent } = publicKey
    const key = importKey({ kty: 'RSA', n: base64url(modulus), e: base64url(publicExponent) })
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    if (bits < 2048 || bits > 4096) throw defect(`an RSA key of ${bits} bits; expected 2048 to 4096`)
    return { algorithm: 'sha256WithRSAEncryption', publicKey: key, scheme: 'rsa', signatureOctets: Math.ceil(bits / 8) }
  }
  const params = Buffer.from(publicKey.params).toString('hex')
  if (publicKey.type === 'edwards') {
    if (!ed25519.includes(params)) throw defect('a key on a curve that is not used')
    const key = importKey({ kty: 'OKP', crv: 'Ed25519', x: base64url(pointOf(publicKey.point, 32)) })
    return { algorithm: 'id-Ed25519', publicKey: key, scheme: 'eddsa', signatureOctets: 64 }
  }
  const curve = curves.find(one => one.params.includes(params))
  if (curve === undefined) throw defect('a key on a curve that is not used')
  const { crv, octets, algorithm } = curve
  const point = pointOf(publicKey.point, 1 + 2 * octets)
  if (point[0] !== 0x04) throw defect('a point that is compressed')
  const [x, y] = [base64url(point.subarray(1, 1 + octets)), base64url(point.subarray(1 + octets))]
  const key = importKey({ kty: 'EC', crv, x, y })
  return { algorithm, publicKey: key, scheme: 'ecdsa', signatureOctets: 2 * octets }
}

/** CKA_EC_POINT is "DER-encoding of ANSI X9.62 ECPoint value Q" (PKCS #11 2.40, section 2.3.3), an OCTET STRING; some tokens leave its header out. */
function pointOf(value: Uint8Array, octets: number): Uint8Array {
  if (value.length === octets) return value
  // Two octets of header: all points here are shorter than 128 octets.
  if (value.length === octets + 2 && value[0] === 0x04 && value[1] === octets) return value.subarray(2)
  throw defect('a point of a wrong length')
}

function importKey(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    throw defect('its public key is none')
  }
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64url')
}

function defect(reason: string): TokenFailure {
  return new TokenFailure({ kind: 'defect', reason })
}
