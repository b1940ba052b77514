import { parsePublicKey, type SignatureVerifier, signatureVerifier, verificationHash } from '@fleetcert/x509'
import type { Signer } from '../../signer/signer.ts'
import type { VerificationHash } from './verification-message.ts'

/** A signer's public key, ready to verify with. */
export interface OwnKey {
  readonly spki: Uint8Array
  readonly verify: SignatureVerifier
  /** `undefined`: the signer's algorithm is not one for its key. */
  readonly hash: VerificationHash | undefined
}

// The fleet's own keys alone are kept ready; a stranger's key is read anew each time.
const keys = new WeakMap<Signer, OwnKey>()

export function ownKey(signer: Signer): OwnKey {
  let key = keys.get(signer)
  if (key === undefined) {
    const spki = new Uint8Array(signer.publicKey)
    key = { spki, verify: signatureVerifier(spki), hash: verificationHash(signer.algorithm, parsePublicKey(spki)) }
    keys.set(signer, key)
  }
  return key
}

/** Whether a signature is the signer's own. */
export function verifyOwnSignature(signer: Signer, message: Uint8Array, signature: Uint8Array): boolean {
  return ownKey(signer).verify(signer.algorithm, message, signature)
}
