import { sameOctets } from '../../../../authority/lint/octets.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlSameSignatureAlgorithm: CrlLintRule = {
  id: 'crl-same-signature-algorithm',
  citation: 'RFC 5280 sections 5.1.1.2 and 5.1.2.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The AlgorithmIdentifiers inside and beside TBSCertList are the same octets.',
  // "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertList"
  check: ({ outerSignatureAlgorithm, signatureAlgorithm }) =>
    outerSignatureAlgorithm === undefined || sameOctets(outerSignatureAlgorithm, signatureAlgorithm)
      ? undefined
      : 'the outer and the inner signature algorithm differ',
}
