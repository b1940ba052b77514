import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const authorityInfoAccessNotCritical: LintRule = {
  id: 'authority-info-access-not-critical',
  citation: 'RFC 5280 section 4.2.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'authorityInfoAccess is not critical.',
  // "Conforming CAs MUST mark this extension as non-critical."
  check: certificate =>
    extensionOf(certificate, extensionOids.authorityInfoAccess)?.critical === true
      ? 'authorityInfoAccess is critical'
      : undefined,
}
