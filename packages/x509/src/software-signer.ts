import { createPublicKey, createSign, type KeyObject, sign } from 'node:crypto'
import { concat } from './der/tlv.ts'
import { hashSlices, sliceOctets } from './hash-slices.ts'
import { PkiError } from './pki-error.ts'
import { hashOf } from './signature.ts'
import type { IoOptions, MessageSigner, SignatureAlgorithm } from './types.ts'

/**
 * A signer whose private key is in this process: P-256 signs `ecdsa-with-SHA256`, P-384 `ecdsa-with-SHA384`, P-521 `ecdsa-with-SHA512`, Ed25519 `id-Ed25519`, RSA `sha256WithRSAEncryption`, ML-DSA-44 and ML-DSA-65 (Node.js 24.7) `id-ml-dsa-44` and `id-ml-dsa-65`.
 *
 * Long messages are hashed in slices of 1 MiB between which the event loop runs; Ed25519 and ML-DSA need the whole message at once, in the thread pool.
 *
 * @throws PkiError `ERR_PKI_ALGORITHM` for any other key
 */
export function softwareSigner(privateKey: KeyObject): MessageSigner {
  if (privateKey?.type !== 'private') throw new TypeError('"privateKey" must be a private KeyObject')
  const algorithm = algorithmOf(privateKey)
  const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }))
  return Object.freeze({
    algorithm,
    publicKey,
    async sign(message: Uint8Array | Iterable<Uint8Array>, options: IoOptions = {}): Promise<Uint8Array> {
      options.signal?.throwIfAborted()
      if (message instanceof Uint8Array && message.length <= sliceOctets) {
        // P-256 and Ed25519 take 25 µs, less than the way to the thread pool and back.
        const fast = algorithm === 'ecdsa-with-SHA256' || algorithm === 'id-Ed25519'
        return fast
          ? ownOctets(sign(hashOf(algorithm), message, privateKey))
          : signInPool(algorithm, message, privateKey)
      }
      const parts = message instanceof Uint8Array ? [message] : message
      return hashOf(algorithm) === null
        ? signInPool(algorithm, concat([...parts]), privateKey)
        : signSlices(algorithm, parts, privateKey, options)
    },
  })
}

function algorithmOf(privateKey: KeyObject): SignatureAlgorithm {
  const details = privateKey.asymmetricKeyDetails
  switch (privateKey.asymmetricKeyType) {
    case 'ed25519':
      return 'id-Ed25519'
    case 'rsa':
      return 'sha256WithRSAEncryption'
    case 'ml-dsa-44':
    case 'ml-dsa-65':
      return `id-${privateKey.asymmetricKeyType}`
    case 'ec':
      if (details?.namedCurve === 'prime256v1') return 'ecdsa-with-SHA256'
      if (details?.namedCurve === 'secp384r1') return 'ecdsa-with-SHA384'
      if (details?.namedCurve === 'secp521r1') return 'ecdsa-with-SHA512'
  }
  throw new PkiError('ERR_PKI_ALGORITHM', { algorithm: details?.namedCurve ?? privateKey.asymmetricKeyType ?? 'none' })
}

function signInPool(algorithm: SignatureAlgorithm, message: Uint8Array, privateKey: KeyObject): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(hashOf(algorithm), message, privateKey, (error, signature) => {
      if (error) reject(error)
      else resolve(ownOctets(signature))
    })
  })
}

async function signSlices(
  algorithm: SignatureAlgorithm,
  parts: Iterable<Uint8Array>,
  privateKey: KeyObject,
  options: IoOptions,
): Promise<Uint8Array> {
  const signing = createSign(hashOf(algorithm)!)
  await hashSlices(signing, parts, options)
  return ownOctets(signing.sign(privateKey))
}

/** A plain Uint8Array: of the same memory where nobody else has it, which is so for what node:crypto hands out. */
function ownOctets(buffer: Buffer): Uint8Array {
  return buffer.byteLength === buffer.buffer.byteLength
    ? new Uint8Array(buffer.buffer as ArrayBuffer)
    : new Uint8Array(buffer)
}
