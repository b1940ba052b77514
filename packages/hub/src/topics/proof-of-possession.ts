import { createPublicKey, hash, verify } from 'node:crypto'
import { type Certificate, PkiError } from '@fleetcert/core'

/** What a device signs with the key of its current certificate to renew it: whose, by which certificate, and for which request, DER. */
export function renewalText(deviceId: string, fingerprint: string, csr: Uint8Array): string {
  return `fleetcert-renew-v1\n${deviceId}\n${fingerprint}\n${hash('sha256', csr, 'hex')}`
}

/** What a device signs with the key of its new certificate to confirm it. */
export function confirmationText(deviceId: string, fingerprint: string): string {
  return `fleetcert-confirm-v1\n${deviceId}\n${fingerprint}`
}

/**
 * That whoever signed the text holds the key of the certificate: ECDSA with SHA-256, DER; RSA PKCS #1 v1.5 with SHA-256; Ed25519.
 * @throws PkiError `ERR_PKI_CLIENT_UNTRUSTED`
 */
export function verifyProof({ subjectPublicKeyInfo }: Certificate, text: string, signature: Uint8Array): void {
  if (!isSigned(subjectPublicKeyInfo, Buffer.from(text, 'utf8'), signature)) {
    throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'the request is not signed by its key' })
  }
}

function isSigned(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    switch (key.asymmetricKeyType) {
      case 'ec':
      case 'rsa':
        return verify('sha256', message, key, signature)
      case 'ed25519':
        return verify(null, message, key, signature)
      default:
        return false
    }
  } catch {
    return false
  }
}
