import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const keyUsageCritical: LintRule = {
  id: 'key-usage-critical',
  citation: 'RFC 5280 section 4.2.1.3',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'keyUsage is critical.',
  // "When present, conforming CAs SHOULD mark this extension as critical."
  check: certificate =>
    extensionOf(certificate, extensionOids.keyUsage)?.critical === false ? 'keyUsage is not critical' : undefined,
}
