import type { LintRule } from '../lint-rule.ts'

export const subjectKeyIdentifierInEndEntity: LintRule = {
  id: 'subject-key-identifier-in-end-entity',
  citation: 'RFC 5280 section 4.2.1.2',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'An end entity has a subjectKeyIdentifier.',
  // "this extension SHOULD be included in all end entity certificates."
  check: ({ subjectKeyIdentifier }, { isCa }) =>
    !isCa && subjectKeyIdentifier === undefined ? 'an end entity without subjectKeyIdentifier' : undefined,
}
