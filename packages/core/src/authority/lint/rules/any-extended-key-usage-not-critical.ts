import { extendedKeyUsageOids, extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const anyExtendedKeyUsageNotCritical: LintRule = {
  id: 'any-extended-key-usage-not-critical',
  citation: 'RFC 5280 section 4.2.1.12',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'extendedKeyUsage is not critical where it holds anyExtendedKeyUsage.',
  // "Conforming CAs SHOULD NOT mark this extension as critical if the anyExtendedKeyUsage KeyPurposeId is present."
  check: certificate =>
    certificate.extendedKeyUsage?.includes(extendedKeyUsageOids.anyExtendedKeyUsage) &&
    extensionOf(certificate, extensionOids.extendedKeyUsage)?.critical === true
      ? 'anyExtendedKeyUsage in a critical extendedKeyUsage'
      : undefined,
}
