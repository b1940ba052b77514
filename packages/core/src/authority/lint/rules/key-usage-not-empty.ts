import type { LintRule } from '../lint-rule.ts'

export const keyUsageNotEmpty: LintRule = {
  id: 'key-usage-not-empty',
  citation: 'RFC 5280 section 4.2.1.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'keyUsage has a bit set.',
  // "When the keyUsage extension appears in a certificate, at least one of the bits MUST be set to 1."
  check: ({ keyUsage }) => (keyUsage?.length === 0 ? 'keyUsage has no bit set' : undefined),
}
