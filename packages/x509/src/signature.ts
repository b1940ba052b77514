import { createPublicKey, createVerify, type KeyObject, verify } from 'node:crypto'
import { objectIdentifier } from './der/object-identifier.ts'
import { createDerReader, type DerReader } from './der/reader.ts'
import { derTag } from './der/tag.ts'
import { concat, sequence } from './der/tlv.ts'
import { nullValue } from './der/writer.ts'
import { hashSlices } from './hash-slices.ts'
import { PkiError } from './pki-error.ts'
import { parsePublicKey } from './public-key.ts'
import type { IoOptions, PublicKeyInfo, SignatureAlgorithm } from './types.ts'

const noOctets = new Uint8Array()

interface AlgorithmEntry {
  readonly oid: string
  readonly keyType: Exclude<PublicKeyInfo['type'], 'unsupported'>
  /** For node:crypto; `null` where the algorithm hashes by itself. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  readonly identifier: Uint8Array
}

const algorithms: Readonly<Record<SignatureAlgorithm, AlgorithmEntry>> = {
  'ecdsa-with-SHA256': entry('1.2.840.10045.4.3.2', 'ec', 'sha256'),
  'ecdsa-with-SHA384': entry('1.2.840.10045.4.3.3', 'ec', 'sha384'),
  'ecdsa-with-SHA512': entry('1.2.840.10045.4.3.4', 'ec', 'sha512'),
  'id-Ed25519': entry('1.3.101.112', 'ed25519', null),
  sha256WithRSAEncryption: entry('1.2.840.113549.1.1.11', 'rsa', 'sha256'),
  sha384WithRSAEncryption: entry('1.2.840.113549.1.1.12', 'rsa', 'sha384'),
  sha512WithRSAEncryption: entry('1.2.840.113549.1.1.13', 'rsa', 'sha512'),
  'id-ml-dsa-44': entry('2.16.840.1.101.3.4.3.17', 'ml-dsa-44', null),
  'id-ml-dsa-65': entry('2.16.840.1.101.3.4.3.18', 'ml-dsa-65', null),
}
const namesByOid: ReadonlyMap<string, SignatureAlgorithm> = new Map(
  Object.entries(algorithms).map(([name, { oid }]) => [oid, name as SignatureAlgorithm]),
)

/** AlgorithmIdentifier of a signature algorithm, DER: parameters absent for ECDSA (RFC 5758), Ed25519 (RFC 8410) and ML-DSA (RFC 9881), NULL for RSA (RFC 4055). One constant for all callers: do not write to it. */
export function signatureAlgorithmIdentifier(algorithm: SignatureAlgorithm): Uint8Array {
  return entryOf(algorithm).identifier
}

/** The {@link PublicKeyInfo} type of the keys that sign with an algorithm. */
export function signatureKeyType(algorithm: SignatureAlgorithm): Exclude<PublicKeyInfo['type'], 'unsupported'> {
  return entryOf(algorithm).keyType
}

/** The hash that a signature algorithm applies, as node:crypto names it; `null` for Ed25519 and ML-DSA. @internal */
export function hashOf(algorithm: SignatureAlgorithm): AlgorithmEntry['hash'] {
  return entryOf(algorithm).hash
}

/**
 * The algorithm of an AlgorithmIdentifier.
 *
 * @throws PkiError `ERR_PKI_ALGORITHM` with the OID for any other, or for parameters that do not belong to it; `ERR_PKI_DER`
 */
export function parseSignatureAlgorithm(algorithmIdentifierDer: Uint8Array): SignatureAlgorithm {
  const reader = createDerReader(algorithmIdentifierDer)
  const { oid, algorithm } = readSignatureAlgorithm(reader)
  reader.finish()
  if (algorithm === undefined) throw new PkiError('ERR_PKI_ALGORITHM', { algorithm: oid })
  return algorithm
}

/** The next element as an AlgorithmIdentifier; `algorithm` is `undefined` for any that is not supported. @internal */
export function readSignatureAlgorithm(reader: DerReader): {
  readonly oid: string
  readonly algorithm: SignatureAlgorithm | undefined
} {
  reader.enter(derTag.sequence)
  const oid = reader.objectIdentifier()
  const parametersTag = reader.peekTag()
  if (parametersTag !== undefined) reader.element()
  reader.leave()
  const name = namesByOid.get(oid)
  // ECDSA, Ed25519 and ML-DSA: absent (RFC 5758 section 3.2, RFC 8410 section 3, RFC 9881 section 2). RSA: "the parameters MUST be NULL. Implementations MUST accept
  // the parameters being absent as well as present." (RFC 4055 section 5)
  const fits =
    parametersTag === undefined ||
    (parametersTag === derTag.null && name !== undefined && algorithms[name].keyType === 'rsa')
  return { oid, algorithm: fits ? name : undefined }
}

/** A public key made ready for many verifications. False for an algorithm of another key type and for anything malformed. */
export interface SignatureVerifier {
  /** Whether `signature` is the key's for `message`. */
  (algorithm: SignatureAlgorithm, message: Uint8Array, signature: Uint8Array): boolean
  /**
   * The same for a message in parts, hashed in slices of 1 MiB between which the event loop runs; Ed25519 and ML-DSA need the whole message at once, in the thread pool.
   * Rejects with the signal's reason alone.
   */
  ofParts(
    algorithm: SignatureAlgorithm,
    parts: Iterable<Uint8Array>,
    signature: Uint8Array,
    options?: IoOptions,
  ): Promise<boolean>
}

/** {@link verifySignature} with the key read once, for whoever verifies often with one key. A key that cannot be used verifies nothing. */
export function signatureVerifier(spki: Uint8Array): SignatureVerifier {
  assertOctets('spki', spki)
  const key = usableKey(spki)
  /** The hash to verify with, or `undefined` where key and algorithm do not go together. */
  const hashFor = (
    algorithm: SignatureAlgorithm,
    message: Uint8Array,
    signature: Uint8Array,
  ): AlgorithmEntry['hash'] | undefined => {
    assertOctets('message', message)
    assertOctets('signature', signature)
    const { keyType, hash } = entryOf(algorithm)
    return key?.type === keyType ? hash : undefined
  }
  const verifier = (algorithm: SignatureAlgorithm, message: Uint8Array, signature: Uint8Array): boolean => {
    const hash = hashFor(algorithm, message, signature)
    if (hash === undefined) return false
    try {
      return verify(hash, message, key!.object, signature)
    } catch {
      return false
    }
  }
  const ofParts = async (
    algorithm: SignatureAlgorithm,
    parts: Iterable<Uint8Array>,
    signature: Uint8Array,
    options: IoOptions = {},
  ): Promise<boolean> => {
    const hash = hashFor(algorithm, noOctets, signature)
    if (hash === undefined) return false
    if (hash === null) {
      return new Promise(resolve => {
        verify(hash, concat([...parts]), key!.object, signature, (error, verified) => resolve(!error && verified))
      })
    }
    const verifying = createVerify(hash)
    await hashSlices(verifying, parts, options)
    try {
      return verifying.verify(key!.object, signature)
    } catch {
      return false
    }
  }
  return Object.assign(verifier, { ofParts })
}

function usableKey(spki: Uint8Array): { readonly type: PublicKeyInfo['type']; readonly object: KeyObject } | undefined {
  try {
    const publicKey = parsePublicKey(spki)
    if (publicKey.type === 'unsupported' || !isCheap(publicKey)) return undefined
    return { type: publicKey.type, object: createPublicKey({ key: bufferOf(spki), format: 'der', type: 'spki' }) }
  } catch {
    // Malformed, or a point that is not on its curve: the crypto library's errors have no common shape.
    return undefined
  }
}

/**
 * Whether `signature` is that of `message` by the key of `spki` (SubjectPublicKeyInfo). False on any mismatch, also between key type and algorithm;
 * never throws for foreign data. RSA keys above 8192 bits, or with a public exponent above 64 bits, verify nothing: they cost a stranger nothing and us milliseconds.
 */
export function verifySignature(
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return signatureVerifier(spki)(algorithm, message, signature)
}

/** {@link verifySignature} for one signature by a key that has been read already. @internal */
export function verifyByKey(
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  publicKey: PublicKeyInfo,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const hash = verificationHash(algorithm, publicKey)
  if (hash === undefined) return false
  try {
    // Without a KeyObject, which would be made for this one use and collected after it.
    return verify(hash, message, { key: bufferOf(spki), format: 'der', type: 'spki' }, signature)
  } catch {
    return false
  }
}

/**
 * The hash, as node:crypto names it, with which signatures of `algorithm` by such a key are verified; `null` for Ed25519 and ML-DSA, which hash by themselves.
 * `undefined` where algorithm and key do not go together, and for keys with which {@link verifySignature} verifies nothing.
 */
export function verificationHash(
  algorithm: SignatureAlgorithm,
  publicKey: PublicKeyInfo,
): 'sha256' | 'sha384' | 'sha512' | null | undefined {
  const { keyType, hash } = entryOf(algorithm)
  return publicKey.type === keyType && isCheap(publicKey) ? hash : undefined
}

/** Whether verifying with the key takes bounded, small work. @internal */
export function isCheap(publicKey: PublicKeyInfo): boolean {
  return publicKey.type !== 'rsa' || (publicKey.modulusBits <= 8192 && publicKey.publicExponent < 2n ** 64n)
}

function entryOf(algorithm: SignatureAlgorithm): AlgorithmEntry {
  if (!Object.hasOwn(algorithms, algorithm)) throw new TypeError('"algorithm" must be a SignatureAlgorithm')
  return algorithms[algorithm]
}

function entry(oid: string, keyType: AlgorithmEntry['keyType'], hash: AlgorithmEntry['hash']): AlgorithmEntry {
  const parts = keyType === 'rsa' ? [objectIdentifier(oid), nullValue()] : [objectIdentifier(oid)]
  return Object.freeze({ oid, keyType, hash, identifier: sequence(...parts) })
}

function assertOctets(label: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`"${label}" must be a Uint8Array`)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
