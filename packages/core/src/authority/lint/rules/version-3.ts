import type { LintRule } from '../lint-rule.ts'

export const version3: LintRule = {
  id: 'version-3',
  citation: 'RFC 5280 section 4.1.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The version is 3.',
  // "When extensions are used, as expected in this profile, version MUST be 3 (value is 2)."
  check: ({ version }) => (version === 3 ? undefined : `the version is ${version}, not 3`),
}
