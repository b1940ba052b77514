import type { LintRule } from '../lint-rule.ts'

export const caSubjectPresent: LintRule = {
  id: 'ca-subject-present',
  citation: 'RFC 5280 section 4.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The subject of a CA is not empty.',
  // "If the subject is a CA … then the subject field MUST be populated with a non-empty distinguished name"
  check: ({ subject }, { isCa }) => (isCa && subject.length === 0 ? 'the subject of a CA is empty' : undefined),
}
