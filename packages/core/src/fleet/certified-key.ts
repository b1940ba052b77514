import { createPublicKey } from 'node:crypto'
import { parseCertificationRequest, parsePublicKey, verifyCertificationRequest } from '@fleetcert/x509'
import { checkKeyPolicy } from '../authority/key-policy.ts'
import { createPrivateKey } from '../signer/key-pair.ts'

/** The key that a certificate is made for. */
export interface CertifiedKey {
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array
  /** PKCS #8 PEM, when the key was made here. */
  readonly privateKey?: string
}

/**
 * The key of a CSR once its owner has proved to hold it, or a new P-256 key. Nothing but the key is taken from a CSR.
 * @throws PkiError `ERR_PKI_CSR`, `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`, `ERR_PKI_DER`, `ERR_PKI_ALGORITHM`
 */
export async function certifiedKey(csr: string | Uint8Array | undefined): Promise<CertifiedKey> {
  if (csr === undefined) {
    const key = await createPrivateKey('P-256')
    return {
      subjectPublicKeyInfo: createPublicKey(key).export({ type: 'spki', format: 'der' }),
      privateKey: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    }
  }
  // A copy: between the proof of possession and the certificate nobody else may write to the octets.
  const request = parseCertificationRequest(csr instanceof Uint8Array ? new Uint8Array(csr) : csr)
  // The policy first: an oversized RSA key should not cost a verification.
  checkKeyPolicy(request.publicKey ?? parsePublicKey(request.subjectPublicKeyInfo))
  verifyCertificationRequest(request)
  return { subjectPublicKeyInfo: request.subjectPublicKeyInfo }
}
