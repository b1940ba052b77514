import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const crlDistributionPointsNotCritical: LintRule = {
  id: 'crl-distribution-points-not-critical',
  citation: 'RFC 5280 section 4.2.1.13',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'cRLDistributionPoints is not critical.',
  // "The extension SHOULD be non-critical"
  check: certificate =>
    extensionOf(certificate, extensionOids.crlDistributionPoints)?.critical === true
      ? 'cRLDistributionPoints is critical'
      : undefined,
}
