import type { CrlLintRule } from '../crl-rule.ts'
import { distributionPointOf } from '../issuing-distribution-point.ts'

export const crlIdpNoAttributeCerts: CrlLintRule = {
  id: 'crl-idp-no-attribute-certs',
  citation: 'RFC 5280 section 5.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'onlyContainsAttributeCerts is FALSE.',
  // "Conforming CRLs issuers MUST set the onlyContainsAttributeCerts boolean to FALSE."
  check: crl =>
    distributionPointOf(crl)?.onlyContainsAttributeCerts ? 'onlyContainsAttributeCerts is TRUE' : undefined,
}
