import { createPublicKey } from 'node:crypto'
import { type CertificationRequest, parseCertificationRequest } from '@fleetcert/x509'
import { checkKeyPolicy, checkModulusComposite, type KeyRules } from '../authority/key-policy.ts'
import type { BlockedKeyCheck } from '../authority/keys/blocked-keys.ts'
import type { Verification } from '../authority/verification/verification.ts'
import { createPrivateKey } from '../signer/key-pair.ts'
import type { KeyAlgorithm } from '../signer/signer.ts'

/** The key that a certificate is made for. */
export interface CertifiedKey {
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array
  /** PKCS #8 PEM, when the key was made here. */
  readonly privateKey?: string
}

/**
 * The key of a CSR once its owner has proved to hold it, or a new key of the first kind that the rules name. Nothing but the key is taken from a CSR.
 * @throws PkiError `ERR_PKI_CSR`, `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY`, `ERR_PKI_KEY_BLOCKED`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`, `ERR_PKI_DER`, `ERR_PKI_ALGORITHM`
 */
export async function certifiedKey(
  csr: string | Uint8Array | undefined,
  rules: KeyRules,
  verification: Verification,
  checkBlocked?: BlockedKeyCheck,
): Promise<CertifiedKey> {
  if (csr === undefined) {
    const key = await createPrivateKey(algorithmOf(rules))
    return {
      subjectPublicKeyInfo: createPublicKey(key).export({ type: 'spki', format: 'der' }),
      privateKey: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    }
  }
  const { subjectPublicKeyInfo } = await certifiedKeyOfRequest(csr, rules, verification, checkBlocked)
  return { subjectPublicKeyInfo }
}

/** The request itself, once its owner has proved to hold the key. @throws PkiError as {@link certifiedKey} */
export async function certifiedKeyOfRequest(
  csr: string | Uint8Array,
  rules: KeyRules,
  verification: Verification,
  checkBlocked?: BlockedKeyCheck,
): Promise<CertificationRequest> {
  // A copy: between the proof of possession and the certificate nobody else may write to the octets.
  const request = parseCertificationRequest(csr instanceof Uint8Array ? new Uint8Array(csr) : csr)
  const { publicKey, subjectPublicKeyInfo } = request
  // The policy first: an oversized RSA key should not cost a verification. What costs more than a verification comes after it.
  checkKeyPolicy(publicKey, rules)
  await verification.proofOfPossession(request)
  if (publicKey.type === 'rsa') await checkModulusComposite(publicKey)
  if (checkBlocked !== undefined) await checkBlocked(subjectPublicKeyInfo)
  return request
}

function algorithmOf({ keys: [kind], rsaMinimumBits }: KeyRules): KeyAlgorithm {
  if (kind !== 'RSA') return kind ?? 'P-256'
  return rsaMinimumBits <= 2048 ? 'RSA-2048' : rsaMinimumBits <= 3072 ? 'RSA-3072' : 'RSA-4096'
}
