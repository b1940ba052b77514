import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createDerReader, derTag } from '@fleetcert/x509/der'
import { readPssParameters } from './pss-parameters.ts'

/** Messages up to this long are verified at once; longer ones, which are CRLs, in the thread pool. */
const maxSynchronousBytes = 256 * 1024

/** How node:crypto is asked. `hash` is `null` where the algorithm hashes by itself. */
interface Scheme {
  readonly keyTypes: readonly string[]
  readonly hash: string | null
  readonly saltLength?: number
}

const rsa = ['rsa'] as const

/** By the OID of the AlgorithmIdentifier. SHA-1 and MD5 are not among them, nor is DSA, which FIPS 186-5 has withdrawn. */
const schemes: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['1.2.840.113549.1.1.11', { keyTypes: rsa, hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyTypes: rsa, hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyTypes: rsa, hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { keyTypes: ['ec'], hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyTypes: ['ec'], hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyTypes: ['ec'], hash: 'sha512' }],
  ['1.3.101.112', { keyTypes: ['ed25519'], hash: null }],
  ['1.3.101.113', { keyTypes: ['ed448'], hash: null }],
  // RFC 9881: Node has them from 24.6.
  ['2.16.840.1.101.3.4.3.17', { keyTypes: ['ml-dsa-44'], hash: null }],
  ['2.16.840.1.101.3.4.3.18', { keyTypes: ['ml-dsa-65'], hash: null }],
  ['2.16.840.1.101.3.4.3.19', { keyTypes: ['ml-dsa-87'], hash: null }],
])
const oidRsaPss = '1.2.840.113549.1.1.10'

const curves: ReadonlySet<string> = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
])

/** Something signed: a certificate, a CRL, an OCSP answer. */
export interface SignedOctets {
  readonly message: Uint8Array
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Uint8Array
  readonly signature: Uint8Array
}

/** What is not accepted, in words. */
export interface Refusal {
  readonly refused: string
}

/** Why a signature of this algorithm by this key is not even tried, or what node:crypto needs to try. The same for every message. */
export function signatureScheme(algorithm: Uint8Array): Scheme | Refusal {
  const reader = createDerReader(algorithm)
  reader.enter(derTag.sequence)
  const oid = reader.objectIdentifier()
  if (oid === oidRsaPss) return readPss(reader.atEnd ? undefined : reader.element())
  const scheme = schemes.get(oid)
  if (scheme === undefined) return { refused: `signature algorithm ${oid}` }
  // "the parameters MUST be NULL. Implementations MUST accept the parameters being absent as well as present" (RFC 4055 section 5);
  // absent for all the others (RFC 5758 section 3.2, RFC 8410 section 3, RFC 9881 section 3).
  if (!reader.atEnd && (scheme.keyTypes !== rsa || reader.peekTag() !== derTag.null)) {
    return { refused: `parameters of signature algorithm ${oid}` }
  }
  return scheme
}

function readPss(parameters: Uint8Array | undefined): Scheme | Refusal {
  const pss = readPssParameters(parameters)
  return 'refused' in pss ? pss : { keyTypes: ['rsa', 'rsa-pss'], ...pss }
}

/** A key as node:crypto has it, or why it is not trusted with signatures. */
export function verificationKey(spki: Uint8Array): KeyObject | Refusal {
  let key: KeyObject
  try {
    if (hasSpelledOutCurve(spki)) return { refused: 'a curve that is spelled out' }
    key = createPublicKey({ key: Buffer.from(spki.buffer, spki.byteOffset, spki.length), format: 'der', type: 'spki' })
  } catch {
    // The crypto library's errors have no common shape.
    return { refused: 'a key that cannot be read' }
  }
  const { modulusLength, publicExponent, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'dsa') return { refused: 'a DSA key' }
  if (modulusLength !== undefined && (modulusLength < 2048 || modulusLength > 8192)) {
    return { refused: `an RSA key of ${modulusLength} bits` }
  }
  // What a large exponent costs is for us to pay, not for who made it.
  if (publicExponent !== undefined && (publicExponent < 3n || publicExponent >= 2n ** 64n)) {
    return { refused: 'an RSA key with such a public exponent' }
  }
  if (key.asymmetricKeyType === 'ec' && !curves.has(namedCurve ?? '')) {
    return { refused: `the curve ${namedCurve ?? 'without a name'}` }
  }
  return key
}

/** Whether `signed` is the key's. False also where key and algorithm do not go together. */
export async function isSignedBy(key: KeyObject, scheme: Scheme, signed: SignedOctets): Promise<boolean> {
  if (!scheme.keyTypes.includes(key.asymmetricKeyType ?? '')) return false
  const { saltLength, hash } = scheme
  const options = saltLength === undefined ? key : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
  try {
    if (signed.message.length <= maxSynchronousBytes) return verify(hash, signed.message, options, signed.signature)
    return await new Promise(resolve => {
      verify(hash, signed.message, options, signed.signature, (error, verified) => resolve(!error && verified))
    })
  } catch {
    return false
  }
}

/** RFC 5480 section 2.1.1: "implicitCurve and specifiedCurve … MUST NOT be used": who chooses the curve, chooses the key (CVE-2020-0601). */
function hasSpelledOutCurve(spki: Uint8Array): boolean {
  const reader = createDerReader(spki)
  reader.enter(derTag.sequence)
  reader.enter(derTag.sequence)
  return reader.objectIdentifier() === '1.2.840.10045.2.1' && reader.peekTag() !== derTag.objectIdentifier
}
