import type { X509Certificate } from 'node:crypto'
import { plainText } from '../plain-text.ts'

/** What a person needs to know of a certificate. */
export interface CertificateFacts {
  /** In one line, most specific part last. */
  readonly subject: string
  readonly issuer: string
  /** Upper-case hex. */
  readonly serialNumber: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** `DNS:…`, `IP Address:…`, one each; at most twenty. */
  readonly names: readonly string[]
  /** SHA-256, `AA:BB:…` */
  readonly fingerprint: string
}

const mostNames = 20

/** Reads the facts; texts of a stranger are cut and on one line. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    names: subjectNames(certificate),
    fingerprint: certificate.fingerprint256,
  }
}

/** Names that the subject alternative name holds, as Node writes them. */
function subjectNames(certificate: X509Certificate): string[] {
  // Node quotes what holds a comma, as JSON (CVE-2021-44532).
  const parts = certificate.subjectAltName?.slice(0, 4096).match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return parts.slice(0, mostNames).map(part => plainText(part.trim()))
}

function nameText(name: string | undefined): string {
  return plainText((name ?? '').split('\n').join(', ')) || '(no name)'
}
