import { keyIdentifierOf } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { sameOctets } from '../octets.ts'

export const authorityKeyIdentifierMatches: LintRule = {
  id: 'authority-key-identifier-matches',
  citation: 'RFC 5280 section 4.2.1.2',
  scope: 'rfc',
  severity: 'error',
  requirement: "authorityKeyIdentifier is the subjectKeyIdentifier of the issuer's certificate, as it stands there.",
  // "the value of the subject key identifier MUST be the value placed in the key identifier field of the authority key identifier extension … of certificates issued by the subject of this certificate."
  check({ authorityKeyIdentifier }, { issuer }) {
    if (issuer === undefined || authorityKeyIdentifier === undefined) return undefined
    const expected = issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.subjectPublicKeyInfo)
    return sameOctets(expected, authorityKeyIdentifier)
      ? undefined
      : "authorityKeyIdentifier is not the issuer's subjectKeyIdentifier"
  },
}
