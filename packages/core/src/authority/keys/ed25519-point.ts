import { fromHex } from '@fleetcert/x509'

/** p = 2^255 − 19, little-endian as in RFC 8032 section 5.1.2. */
const fieldPrime = fromHex(`ed${'ff'.repeat(30)}7f`)

/**
 * The y coordinates of the eight points whose order divides the cofactor: 0 (order 4), 1 (the neutral element), −1 (order 2), and the two of order 8.
 * A signature by such a "key" is forged by anybody for any message (RFC 8032 section 8.9 leaves the check to whoever needs contributory behaviour; certifying a key does).
 */
const smallOrder: readonly Uint8Array[] = [
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(fromHex)

/** What is wrong with an Ed25519 public key's 32 octets, or `undefined`. That they decode to a point of the curve at all is OpenSSL's check, at the first verification. */
export function ed25519Defect(key: Uint8Array): string | undefined {
  const y = Uint8Array.from(key)
  // The top bit is the sign of x.
  y[31]! &= 0x7f
  // RFC 8032 section 5.1.3: "If the resulting value is >= p, decoding fails."
  if (!isBelow(y, fieldPrime)) return 'the Ed25519 key is not canonically encoded'
  return smallOrder.some(point => Buffer.compare(point, y) === 0)
    ? 'the Ed25519 key is a point of small order'
    : undefined
}

/** Little-endian. */
function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = a.length - 1; index >= 0; index--) if (a[index] !== b[index]) return a[index]! < b[index]!
  return false
}
