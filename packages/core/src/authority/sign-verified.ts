import { type IoOptions, isPkiError, type MessageSigner, PkiError } from '@fleetcert/x509'
import type { Signer } from '../signer/signer.ts'
import { ownKey, verifyOwnSignature } from './verification/own-key.ts'
import type { Verification } from './verification/verification.ts'

/**
 * Signs and checks the signature before anybody sees it: a fault in a token or in memory must not leave a broken certificate, or worse, leak the key (RFC 8937 section 1).
 * @param verification for whoever signs often
 * @throws PkiError `ERR_PKI_SIGNER`, `ERR_PKI_SIGNER_BUSY`
 */
export function signVerified(
  signer: Signer,
  message: Uint8Array,
  options?: IoOptions,
  verification?: Verification,
): Promise<Uint8Array> {
  return signAndCheck(signer, message, options, signature =>
    verification === undefined
      ? verifyOwnSignature(signer, message, signature)
      : verification.ownSignature(signer, message, signature),
  )
}

/**
 * {@link signVerified} for a message in parts, which are hashed in slices: forty megabytes in one piece hold the event loop for a twentieth of a second.
 * @throws PkiError `ERR_PKI_SIGNER`, `ERR_PKI_SIGNER_BUSY`
 */
export function signPartsVerified(
  signer: Signer,
  parts: readonly Uint8Array[],
  options: IoOptions,
): Promise<Uint8Array> {
  return signAndCheck(signer, parts, options, signature =>
    ownKey(signer).verify.ofParts(signer.algorithm, parts, signature, options),
  )
}

/**
 * Signs, and asks `check` about the signature. An abort rejects with the signal's reason.
 * @throws PkiError `ERR_PKI_SIGNER`, `ERR_PKI_SIGNER_BUSY`
 */
export async function signAndCheck(
  signer: MessageSigner,
  message: Uint8Array | readonly Uint8Array[],
  options: IoOptions | undefined,
  check: (signature: Uint8Array) => boolean | Promise<boolean>,
): Promise<Uint8Array> {
  let signature: Uint8Array
  try {
    signature = await signer.sign(message, options)
  } catch (error) {
    options?.signal?.throwIfAborted()
    // What a signer says of itself stays: why, and when to ask again.
    if (isPkiError(error, 'ERR_PKI_SIGNER') || isPkiError(error, 'ERR_PKI_SIGNER_BUSY')) throw error
    throw new PkiError('ERR_PKI_SIGNER', { reason: 'the signer failed' }, { cause: error })
  }
  if (!(signature instanceof Uint8Array) || !(await check(signature))) {
    throw new PkiError('ERR_PKI_SIGNER', { reason: 'the signature does not verify' })
  }
  return signature
}
