import type { LintRule } from '../lint-rule.ts'

export const validityOrder: LintRule = {
  id: 'validity-order',
  citation: 'RFC 5280 section 4.1.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'notBefore is not after notAfter.',
  // "The validity period for a certificate is the period of time from notBefore through notAfter, inclusive."
  check: ({ notBefore, notAfter }) =>
    notBefore.getTime() <= notAfter.getTime() ? undefined : 'notAfter is before notBefore',
}
