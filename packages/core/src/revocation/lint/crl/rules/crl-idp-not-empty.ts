import type { CrlLintRule } from '../crl-rule.ts'
import { distributionPointOf } from '../issuing-distribution-point.ts'

export const crlIdpNotEmpty: CrlLintRule = {
  id: 'crl-idp-not-empty',
  citation: 'RFC 5280 section 5.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'issuingDistributionPoint says something.',
  // "Conforming CRLs issuers MUST NOT issue CRLs where the DER encoding of the issuing distribution point extension is an empty sequence."
  check: crl =>
    distributionPointOf(crl)?.fields.length === 0 ? 'issuingDistributionPoint is an empty SEQUENCE' : undefined,
}
