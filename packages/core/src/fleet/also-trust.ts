import { decodePem, encodePem, isPkiError, PkiError, parseCertificate, signatureVerifier } from '@fleetcert/x509'

const mostAnchors = 16
const mostCharacters = 256 * 1024

/**
 * The CAs that a fleet's brokers and devices are to trust beside its own, PEM, each once. Only self-signed ones end a chain everywhere: openssl, and so most brokers, looks for the issuer of any other.
 * @throws PkiError `ERR_PKI_TRUST_ANCHOR`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`
 */
export function alsoTrusted(pem: string | undefined, now: Date): readonly string[] {
  if (pem === undefined) return []
  if (typeof pem !== 'string') throw new TypeError('alsoTrust: expected PEM')
  if (pem.length > mostCharacters) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes: mostCharacters })
  const blocks = decodePem(pem)
  if (blocks.length === 0 || blocks.length > mostAnchors) throw refused(`expected 1 to ${mostAnchors} certificates`)
  const found = blocks.map(({ label, der }) => {
    if (label !== 'CERTIFICATE') throw refused('expected nothing but certificates')
    checkAnchor(der, now)
    return encodePem('CERTIFICATE', der)
  })
  return [...new Set(found)]
}

function checkAnchor(der: Uint8Array, now: Date): void {
  let certificate: ReturnType<typeof parseCertificate>
  try {
    certificate = parseCertificate(der)
  } catch (error) {
    if (!isPkiError(error)) throw error
    throw new PkiError('ERR_PKI_TRUST_ANCHOR', { reason: 'not a certificate' }, { cause: error })
  }
  const { basicConstraints, keyUsage, notAfter, issuerDer, subjectDer, subjectPublicKeyInfo } = certificate
  // RFC 5280 section 4.2.1.3: "If the keyUsage extension is present, then the subject public key MUST NOT be used to verify signatures on certificates or CRLs unless the corresponding keyCertSign or cRLSign bit is set."
  if (basicConstraints?.cA !== true || (keyUsage !== undefined && !keyUsage.includes('keyCertSign'))) {
    throw refused('not a CA')
  }
  if (now.getTime() >= notAfter.getTime() + 1000) throw refused('expired')
  const { publicKey, signatureAlgorithm, tbsCertificate, signature } = certificate
  if (Buffer.compare(issuerDer, subjectDer) !== 0) throw refused('not self-signed')
  // Nobody relies on the signature of a trust anchor (RFC 5280 section 6.1): what cannot be checked, such as SHA-1 of an old root, or a Brainpool curve, is let pass.
  if (signatureAlgorithm === undefined || publicKey.type === 'unsupported') return
  if (!signatureVerifier(subjectPublicKeyInfo)(signatureAlgorithm, tbsCertificate, signature)) {
    throw refused('not self-signed')
  }
}

function refused(reason: string): PkiError {
  return new PkiError('ERR_PKI_TRUST_ANCHOR', { reason })
}
