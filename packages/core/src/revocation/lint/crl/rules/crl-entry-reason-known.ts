import type { CrlLintRule } from '../crl-rule.ts'
import { reasonOf } from '../entry-reason.ts'

export const crlEntryReasonKnown: CrlLintRule = {
  id: 'crl-entry-reason-known',
  citation: 'RFC 5280 section 5.3.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'reasonCode is an ENUMERATED from 0 to 10 without 7.',
  // "-- value 7 is not used"
  entries: () => entry => {
    const reason = reasonOf(entry)
    if (reason === undefined) return undefined
    if (reason === 'malformed') return 'reasonCode is malformed'
    return reason === 7 || reason > 10 ? `reasonCode is ${reason}` : undefined
  },
}
