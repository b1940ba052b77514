import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const subjectAltNameNotCritical: LintRule = {
  id: 'subject-alt-name-not-critical',
  citation: 'RFC 5280 section 4.2.1.6',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'Where the subject is not empty, subjectAltName is not critical.',
  // "When including the subjectAltName extension in a certificate that has a non-empty subject distinguished name, conforming CAs SHOULD mark the subjectAltName extension as non-critical."
  check: certificate =>
    certificate.subject.length > 0 && extensionOf(certificate, extensionOids.subjectAltName)?.critical === true
      ? 'subjectAltName is critical beside a subject'
      : undefined,
}
