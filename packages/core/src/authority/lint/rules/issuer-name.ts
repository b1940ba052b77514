import type { LintRule } from '../lint-rule.ts'

export const issuerName: LintRule = {
  id: 'issuer-name',
  citation: 'RFC 5280 section 4.1.2.4',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The issuer is not empty.',
  // "The issuer field MUST contain a non-empty distinguished name (DN)."
  check: ({ issuer }) => (issuer.length > 0 ? undefined : 'the issuer is empty'),
}
