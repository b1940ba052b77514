import { contextTag } from '@fleetcert/x509/der'
import type { CrlLintRule } from '../crl-rule.ts'
import { distributionPointOf } from '../issuing-distribution-point.ts'

const flags: readonly number[] = [1, 2, 4, 5].map(tagNumber => contextTag(tagNumber, false))

export const crlIdpDefault: CrlLintRule = {
  id: 'crl-idp-default',
  citation: 'X.690 section 11.5, by RFC 5280 section 5.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'FALSE is not written in issuingDistributionPoint.',
  // "onlyContainsUserCerts [1] BOOLEAN DEFAULT FALSE" and its like
  check: crl =>
    distributionPointOf(crl)?.fields.some(({ tag, der }) => flags.includes(tag) && der[2] === 0)
      ? 'FALSE is written out in issuingDistributionPoint'
      : undefined,
}
