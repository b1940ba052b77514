import type { CrlLintRule } from '../crl-rule.ts'
import { reasonOf } from '../entry-reason.ts'

export const crlEntryReasonNotUnspecified: CrlLintRule = {
  id: 'crl-entry-reason-not-unspecified',
  citation: 'RFC 5280 section 5.3.1',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'reasonCode is absent instead of unspecified (0).',
  // "the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0) reasonCode value."
  entries: () => entry => (reasonOf(entry) === 0 ? 'reasonCode is unspecified' : undefined),
}
