import { type IoOptions, PkiError, signatureVerifier } from '@fleetcert/x509'
import type { Signer } from '../signer/signer.ts'

/**
 * `signVerified` for a message in parts, which are hashed in slices: forty megabytes in one piece hold the event loop for a twentieth of a second.
 * @throws PkiError `ERR_PKI_SIGNER`
 */
export async function signPartsVerified(
  signer: Signer,
  parts: readonly Uint8Array[],
  options: IoOptions,
): Promise<Uint8Array> {
  let signature: Uint8Array
  try {
    signature = await signer.sign(parts, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw new PkiError('ERR_PKI_SIGNER', { reason: 'the signer failed' }, { cause: error })
  }
  const verified =
    signature instanceof Uint8Array &&
    (await signatureVerifier(signer.publicKey).ofParts(signer.algorithm, parts, signature, options))
  if (!verified) throw new PkiError('ERR_PKI_SIGNER', { reason: 'the signature does not verify' })
  return signature
}
