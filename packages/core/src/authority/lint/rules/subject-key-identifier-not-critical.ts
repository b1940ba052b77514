import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const subjectKeyIdentifierNotCritical: LintRule = {
  id: 'subject-key-identifier-not-critical',
  citation: 'RFC 5280 section 4.2.1.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'subjectKeyIdentifier is not critical.',
  // "Conforming CAs MUST mark this extension as non-critical."
  check: certificate =>
    extensionOf(certificate, extensionOids.subjectKeyIdentifier)?.critical === true
      ? 'subjectKeyIdentifier is critical'
      : undefined,
}
