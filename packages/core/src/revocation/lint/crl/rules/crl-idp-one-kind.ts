import type { CrlLintRule } from '../crl-rule.ts'
import { distributionPointOf } from '../issuing-distribution-point.ts'

export const crlIdpOneKind: CrlLintRule = {
  id: 'crl-idp-one-kind',
  citation: 'RFC 5280 section 5.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'At most one of the onlyContains fields is TRUE.',
  // "-- at most one of onlyContainsUserCerts, onlyContainsCACerts, -- and onlyContainsAttributeCerts may be set to TRUE."
  check(crl) {
    const point = distributionPointOf(crl)
    if (point === undefined) return undefined
    const { onlyContainsUserCerts, onlyContainsCACerts, onlyContainsAttributeCerts } = point
    const kinds = [onlyContainsUserCerts, onlyContainsCACerts, onlyContainsAttributeCerts].filter(Boolean).length
    return kinds > 1 ? `${kinds} of the onlyContains fields are TRUE` : undefined
  },
}
