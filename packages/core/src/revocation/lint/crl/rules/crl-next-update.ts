import type { CrlLintRule } from '../crl-rule.ts'

export const crlNextUpdate: CrlLintRule = {
  id: 'crl-next-update',
  citation: 'RFC 5280 section 5.1.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'There is a nextUpdate.',
  // "Conforming CRL issuers MUST include the nextUpdate field in all CRLs."
  check: ({ nextUpdate }) => (nextUpdate === undefined ? 'there is no nextUpdate' : undefined),
}
