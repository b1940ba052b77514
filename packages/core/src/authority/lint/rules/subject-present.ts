import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const subjectPresent: LintRule = {
  id: 'subject-present',
  citation: 'RFC 5280 section 4.1.2.6',
  // "If the subject is a CA … then the subject field MUST be populated with a non-empty distinguished name"; otherwise subjectAltName is present and critical.
  check(certificate) {
    if (certificate.subject.length > 0) return undefined
    if (certificate.basicConstraints?.cA === true) return 'the subject of a CA is empty'
    const subjectAltName = certificate.extensions.find(extension => extension.oid === extensionOids.subjectAltName)
    return subjectAltName?.critical === true ? undefined : 'the subject is empty and subjectAltName is not critical'
  },
}
