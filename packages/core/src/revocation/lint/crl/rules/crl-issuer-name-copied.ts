import { sameOctets } from '../../../../authority/lint/octets.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlIssuerNameCopied: CrlLintRule = {
  id: 'crl-issuer-name-copied',
  citation: 'RFC 5280 section 4.1.2.6 (b)',
  scope: 'rfc',
  severity: 'error',
  requirement: "The issuer is the subject of the issuer's certificate, octet by octet.",
  // "When the subject of the certificate is a CRL issuer, the subject field MUST be encoded in the same way as it is encoded in the issuer field (Section 5.1.2.3) in all CRLs issued by the subject CRL issuer."
  check: ({ issuerDer }, { issuer }) =>
    issuer === undefined || sameOctets(issuerDer, issuer.subjectDer)
      ? undefined
      : "the issuer is not encoded as the subject of the issuer's certificate",
}
