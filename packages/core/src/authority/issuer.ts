import { type Certificate, keyId, PkiError, parseCertificate } from '@fleetcert/x509'
import type { Signer } from '../signer/signer.ts'

/** A CA of the fleet: its certificate, and its key when it is needed. */
export interface Issuer {
  /** Lower-case hex, SHA-256 of the CA's SubjectPublicKeyInfo. */
  readonly keyId: string
  readonly certificate: Certificate
  /** Opens the key at the first call. @throws PkiError `ERR_PKI_KEY_MISSING` and what the keyring rejects. */
  signer(): Promise<Signer>
}

/** @param openSigner opens the key; `undefined` where it is missing. */
export function createIssuer(
  certificateDer: Uint8Array,
  keyName: string,
  openSigner: () => Promise<Signer | undefined>,
): Issuer {
  const certificate = parseCertificate(certificateDer)
  let opening: Promise<Signer> | undefined
  const open = async (): Promise<Signer> => {
    const signer = await openSigner()
    if (signer === undefined) throw new PkiError('ERR_PKI_KEY_MISSING', { name: keyName })
    if (Buffer.compare(signer.publicKey, certificate.subjectPublicKeyInfo) !== 0) {
      throw new PkiError('ERR_PKI_KEY_UNREADABLE', { name: keyName, reason: 'it is not the key of the CA certificate' })
    }
    return signer
  }
  return {
    keyId: keyId(certificate.subjectPublicKeyInfo),
    certificate,
    signer(): Promise<Signer> {
      if (opening === undefined) {
        const attempt = open()
        opening = attempt
        // A failure is not kept: the token may be back, the passphrase right, the next time.
        attempt.catch(() => {
          if (opening === attempt) opening = undefined
        })
      }
      return opening
    },
  }
}
