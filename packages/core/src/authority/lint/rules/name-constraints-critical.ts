import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const nameConstraintsCritical: LintRule = {
  id: 'name-constraints-critical',
  citation: 'RFC 5280 section 4.2.1.10',
  scope: 'rfc',
  severity: 'error',
  requirement: 'nameConstraints is critical.',
  // "Conforming CAs MUST mark this extension as critical"
  check: certificate =>
    extensionOf(certificate, extensionOids.nameConstraints)?.critical === false
      ? 'nameConstraints is not critical'
      : undefined,
}
