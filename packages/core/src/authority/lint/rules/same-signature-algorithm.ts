import type { LintRule } from '../lint-rule.ts'
import { sameOctets } from '../octets.ts'

export const sameSignatureAlgorithm: LintRule = {
  id: 'same-signature-algorithm',
  citation: 'RFC 5280 sections 4.1.1.2 and 4.1.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The AlgorithmIdentifiers inside and beside TBSCertificate are the same octets.',
  // "This field MUST contain the same algorithm identifier as the signatureAlgorithm field in the sequence Certificate."
  check: (certificate, { outerSignatureAlgorithm }) =>
    outerSignatureAlgorithm === undefined || sameOctets(outerSignatureAlgorithm, certificate.tbsSignatureAlgorithm)
      ? undefined
      : 'the outer and the inner signature algorithm differ',
}
