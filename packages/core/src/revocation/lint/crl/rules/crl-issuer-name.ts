import type { CrlLintRule } from '../crl-rule.ts'

export const crlIssuerName: CrlLintRule = {
  id: 'crl-issuer-name',
  citation: 'RFC 5280 section 5.1.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The issuer is not empty.',
  // "The issuer field MUST contain a non-empty X.500 distinguished name (DN)."
  check: ({ issuer }) => (issuer.length > 0 ? undefined : 'the issuer is empty'),
}
