import type { CrlLintRule } from '../crl-rule.ts'
import { reasonOf } from '../entry-reason.ts'
import { distributionPointOf } from '../issuing-distribution-point.ts'

/** The bit of ReasonFlags (RFC 5280 section 4.2.1.13) by reasonCode; unspecified has none. */
const bitByReason: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 4],
  [5, 5],
  [6, 6],
  [9, 7],
  [10, 8],
])

export const crlEntryReasonInScope: CrlLintRule = {
  id: 'crl-entry-reason-in-scope',
  citation: 'RFC 5280 section 5.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Where there is onlySomeReasons, a reasonCode is one of them; removeFromCRL and none are exempt.',
  // "The reason codes associated with a distribution point MUST be specified in onlySomeReasons." "however, there is no requirement to include the reasonCode CRL entry extension in the corresponding CRL entry."
  entries(crl) {
    const reasons = distributionPointOf(crl)?.onlySomeReasons
    return entry => {
      const reason = reasonOf(entry)
      if (reasons === undefined || typeof reason !== 'number' || reason === 8) return undefined
      const bit = bitByReason.get(reason)
      const isListed = bit !== undefined && ((reasons[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1
      return isListed ? undefined : 'the reason is not among onlySomeReasons'
    }
  },
}
