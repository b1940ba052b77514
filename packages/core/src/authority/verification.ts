import { availableParallelism } from 'node:os'
import {
  type CertificationRequest,
  type SignatureVerifier,
  signatureVerifier,
  verifyCertificationRequest,
  verifyCertificationRequestInPool,
} from '@fleetcert/x509'
import type { Signer } from '../signer/signer.ts'

// The way to the thread pool and back costs more than a P-256 verification saves, unless another issue can go on meanwhile on another core.
const hasSpareCore = availableParallelism() > 1
let underWay = 0

/** Counts `work` as under way: when several are, verifications go to the thread pool. */
export async function countWork<T>(work: () => Promise<T>): Promise<T> {
  underWay += 1
  try {
    return await work()
  } finally {
    underWay -= 1
  }
}

const usePool = (): boolean => hasSpareCore && underWay > 1

/** Proof of possession. @throws PkiError `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY` */
export async function verifyProofOfPossession(csr: CertificationRequest): Promise<void> {
  if (usePool()) return verifyCertificationRequestInPool(csr)
  verifyCertificationRequest(csr)
}

// The fleet's own keys alone are kept ready; a stranger's key is read anew each time.
const verifiers = new WeakMap<Signer, SignatureVerifier>()

/** Whether a signature is the signer's own. */
export async function verifyOwnSignature(signer: Signer, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  let verifier = verifiers.get(signer)
  if (verifier === undefined) {
    verifier = signatureVerifier(signer.publicKey)
    verifiers.set(signer, verifier)
  }
  return usePool()
    ? verifier.inPool(signer.algorithm, message, signature)
    : verifier(signer.algorithm, message, signature)
}
