import type { LintRule } from '../lint-rule.ts'

export const validityOrder: LintRule = {
  id: 'validity-order',
  citation: 'RFC 5280 section 4.1.2.5',
  check: certificate =>
    certificate.notBefore.getTime() <= certificate.notAfter.getTime() ? undefined : 'notAfter is before notBefore',
}
