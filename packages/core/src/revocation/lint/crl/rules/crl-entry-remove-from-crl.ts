import type { CrlLintRule } from '../crl-rule.ts'
import { reasonOf } from '../entry-reason.ts'

export const crlEntryRemoveFromCrl: CrlLintRule = {
  id: 'crl-entry-remove-from-crl',
  citation: 'RFC 5280 section 5.3.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'removeFromCRL stands in delta CRLs only.',
  // "The removeFromCRL (8) reasonCode value may only appear in delta CRLs"
  entries:
    (_crl, { isDelta }) =>
    entry =>
      !isDelta && reasonOf(entry) === 8 ? 'removeFromCRL in a full CRL' : undefined,
}
