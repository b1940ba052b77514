import { constants, createECDH, type KeyObject, privateEncrypt, randomBytes } from 'node:crypto'

type Hash = 'sha256' | 'sha384' | 'sha512'

/** AlgorithmIdentifier and the head of the digest's OCTET STRING (RFC 8017 section 9.2, note 1), hex. */
const digestInfoHeads: Readonly<Record<Hash, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

const curves = {
  prime256v1: { order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n, octets: 32 },
  secp384r1: {
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    octets: 48,
  },
} as const

/**
 * Signs a digest, as key services and tokens do and node:crypto does not: what stands behind a test's server. RSA is PKCS #1 v1.5; ECDSA is the pair r‖s. For tests alone: it takes no care that times tell nothing.
 */
export function signDigest(privateKey: KeyObject, hash: Hash, digest: Uint8Array): Uint8Array {
  if (privateKey.asymmetricKeyType === 'rsa') {
    const info = Buffer.concat([Buffer.from(digestInfoHeads[hash], 'hex'), digest])
    return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, info)
  }
  const curve = privateKey.asymmetricKeyDetails?.namedCurve as keyof typeof curves
  const { order, octets } = curves[curve]
  const d = number(Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'))
  const z = number(digest.subarray(0, octets))
  for (;;) {
    const k = number(randomBytes(octets))
    if (k === 0n || k >= order) continue
    const point = createECDH(curve)
    point.setPrivateKey(fixed(k, octets))
    // Uncompressed: 04, x, y.
    const r = number(point.getPublicKey().subarray(1, 1 + octets)) % order
    const s = (power(k, order - 2n, order) * (z + r * d)) % order
    if (r !== 0n && s !== 0n) return Buffer.concat([fixed(r, octets), fixed(s, octets)])
  }
}

function number(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`)
}

function fixed(value: bigint, octets: number): Buffer {
  return Buffer.from(value.toString(16).padStart(octets * 2, '0'), 'hex')
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let factor = base % modulus, left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * factor) % modulus
    factor = (factor * factor) % modulus
  }
  return result
}
