import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const subjectKeyIdentifier: LintRule = {
  id: 'subject-key-identifier',
  citation: 'RFC 5280 section 4.2.1.2',
  // "this extension MUST appear in all conforming CA certificates"; end entities SHOULD have it, and ours do. "MUST mark this extension as non-critical."
  check(certificate) {
    const extension = certificate.extensions.find(({ oid }) => oid === extensionOids.subjectKeyIdentifier)
    if (extension === undefined) return 'subjectKeyIdentifier is missing'
    return extension.critical ? 'subjectKeyIdentifier is critical' : undefined
  },
}
