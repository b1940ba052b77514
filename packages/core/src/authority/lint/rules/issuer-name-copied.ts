import type { LintRule } from '../lint-rule.ts'
import { sameOctets } from '../octets.ts'

export const issuerNameCopied: LintRule = {
  id: 'issuer-name-copied',
  citation: 'RFC 5280 section 4.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: "The issuer is the subject of the issuer's certificate, octet by octet.",
  // "a non-empty distinguished name matching the contents of the issuer field (Section 4.1.2.4) in all certificates issued by the subject CA"; only the same octets match for everybody.
  check: ({ issuerDer }, { issuer }) =>
    issuer === undefined || sameOctets(issuerDer, issuer.subjectDer)
      ? undefined
      : "the issuer is not encoded as the subject of the issuer's certificate",
}
