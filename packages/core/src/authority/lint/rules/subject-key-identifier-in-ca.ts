import type { LintRule } from '../lint-rule.ts'

export const subjectKeyIdentifierInCa: LintRule = {
  id: 'subject-key-identifier-in-ca',
  citation: 'RFC 5280 section 4.2.1.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A CA has a subjectKeyIdentifier.',
  // "To facilitate certification path construction, this extension MUST appear in all conforming CA certificates"
  check: ({ subjectKeyIdentifier }, { isCa }) =>
    isCa && subjectKeyIdentifier === undefined ? 'a CA without subjectKeyIdentifier' : undefined,
}
