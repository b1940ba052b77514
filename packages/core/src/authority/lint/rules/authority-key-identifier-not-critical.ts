import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const authorityKeyIdentifierNotCritical: LintRule = {
  id: 'authority-key-identifier-not-critical',
  citation: 'RFC 5280 section 4.2.1.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'authorityKeyIdentifier is not critical.',
  // "Conforming CAs MUST mark this extension as non-critical."
  check: certificate =>
    extensionOf(certificate, extensionOids.authorityKeyIdentifier)?.critical === true
      ? 'authorityKeyIdentifier is critical'
      : undefined,
}
