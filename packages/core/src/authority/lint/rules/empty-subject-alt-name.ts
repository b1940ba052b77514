import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const emptySubjectAltName: LintRule = {
  id: 'empty-subject-alt-name',
  citation: 'RFC 5280 sections 4.1.2.6 and 4.2.1.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Where the subject is empty, there is a critical subjectAltName.',
  // "If the subject field contains an empty sequence, then the issuing CA MUST include a subjectAltName extension that is marked as critical."
  check: certificate =>
    certificate.subject.length > 0 || extensionOf(certificate, extensionOids.subjectAltName)?.critical === true
      ? undefined
      : 'the subject is empty and there is no critical subjectAltName',
}
