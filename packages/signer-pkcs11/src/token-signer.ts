import { randomBytes } from 'node:crypto'
import type { Signer } from '@fleetcert/core'
import { ecdsaSignatureValue, type IoOptions, messageDigest, PkiError, verifySignature } from '@fleetcert/x509'
import { readTokenKey, type TokenKey } from './public-key.ts'
import type { SessionPool } from './session-pool.ts'
import type { FoundKey, SigningKey } from './thread/thread-messages.ts'
import { TokenFailure, toPkiError } from './token-failure.ts'

/** DigestInfo of RFC 8017 section 9.2, note 1, up to the digest: what CKM_RSA_PKCS is given to sign. */
const sha256DigestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

/**
 * A signer whose key stays in the token. Its first signature is made and verified here: a public key that belongs to another private key is found out before a certificate is made of it.
 */
export async function openTokenSigner(
  pool: SessionPool,
  name: string,
  label: string,
  found: FoundKey,
): Promise<Signer> {
  const key = readTokenKey(found)
  const publicKey = new Uint8Array(key.publicKey.export({ format: 'der', type: 'spki' }))
  const { scheme, signatureOctets, algorithm } = key
  const signingKey: SigningKey = { label, scheme, fingerprint: found.fingerprint, signatureOctets }
  const sign = async (message: Uint8Array | Iterable<Uint8Array>, options: IoOptions = {}): Promise<Uint8Array> => {
    const input = await inputOf(key, message, options)
    const signature = await pool.sign(signingKey, input, options.signal)
    return scheme === 'ecdsa' ? ecdsaSignatureValue(signature) : signature
  }

  const probe = randomBytes(32)
  if (!verifySignature(algorithm, publicKey, probe, await sign(probe))) {
    throw new TokenFailure({ kind: 'defect', reason: 'its public and its private half do not belong together' })
  }
  return Object.freeze({
    algorithm,
    publicKey,
    async sign(message: Uint8Array | Iterable<Uint8Array>, options?: IoOptions): Promise<Uint8Array> {
      try {
        return await sign(message, options)
      } catch (error) {
        throw signingError(error, name, algorithm)
      }
    },
  })
}

/** What the token has answered about one signature is the signer's failure; that it does not answer at all is the token's. */
function signingError(error: unknown, name: string, algorithm: string): unknown {
  const isAnswer = error instanceof TokenFailure && error.failure.kind === 'refused'
  return isAnswer
    ? new PkiError('ERR_PKI_SIGNER', { reason: error.failure.reason })
    : toPkiError(error, name, algorithm)
}

async function inputOf(
  { algorithm, scheme }: TokenKey,
  message: Uint8Array | Iterable<Uint8Array>,
  options: IoOptions,
): Promise<Uint8Array> {
  const { digest, message: whole } = await messageDigest(algorithm, message, options)
  if (digest === undefined) return whole
  return scheme === 'rsa' ? Buffer.concat([sha256DigestInfo, digest]) : digest
}
