import { certificateFingerprint, isPkiError, parseCertificate } from '@fleetcert/core'
import type { DenyReason } from '../deny-reason.ts'
import type { Evidence } from '../identify-evidence.ts'
import { readCertPem } from './cert-pem.ts'
import type { EmqxBody } from './emqx-body.ts'
import type { EmqxDialect } from './emqx-dialect.ts'

/** The certificate of a request: its octets, or else its fingerprint; `undefined` where there is neither. Given both, they must fit. */
export function readEvidence(
  body: EmqxBody,
  dialect: EmqxDialect,
): { readonly certificate: Evidence | undefined } | { readonly refused: DenyReason } {
  const { cert_pem = '', fingerprint = '' } = body
  const certificate = readCertPem(cert_pem)
  if (certificate === 'unparsable') return { refused: 'certificateUnparsable' }
  if (certificate === 'none') return { certificate: fingerprint === '' ? undefined : { fingerprint } }
  if (fingerprint !== '' && canonical(fingerprint) !== canonical(certificateFingerprint(certificate.der)))
    return { refused: 'fingerprintMismatch' }
  if (dialect === 'emqx4' && !isNamedBy(certificate.der, body.cert_common_name))
    return { refused: 'commonNameMismatch' }
  // Before EMQX 5.7.1 the certificate comes as the user name, too (see emqxConfig). These come from the handshake alone: both empty, there was no certificate in it, and the user name is the client's own word.
  if (dialect === 'emqx5' && body.cert_common_name === '' && body.cert_subject === '' && hasSubject(certificate.der))
    return { refused: 'commonNameMismatch' }
  return { certificate }
}

function canonical(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}

/**
 * In EMQX 4 the certificate comes as the user name, and where the listener does not put it there, because there is none, the client's own user name comes: somebody else's certificate, which is no secret.
 * The common name always comes from the handshake, so it must be that of the certificate.
 */
function isNamedBy(der: Uint8Array, commonName: string | undefined): boolean {
  try {
    const names = parseCertificate(der)
      .subject.flat()
      .filter(({ type }) => type === 'CN')
    return names.length === 1 && names[0]!.value !== '' && names[0]!.value === commonName
  } catch (error) {
    if (isPkiError(error)) return false
    throw error
  }
}

function hasSubject(der: Uint8Array): boolean {
  try {
    return parseCertificate(der).subject.length > 0
  } catch (error) {
    if (isPkiError(error)) return true
    throw error
  }
}
