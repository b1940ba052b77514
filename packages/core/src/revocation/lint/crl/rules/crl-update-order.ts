import type { CrlLintRule } from '../crl-rule.ts'

export const crlUpdateOrder: CrlLintRule = {
  id: 'crl-update-order',
  citation: 'RFC 5280 sections 5.1.2.4 and 5.1.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'nextUpdate is after thisUpdate.',
  // "This field indicates the issue date of this CRL." "This field indicates the date by which the next CRL will be issued."
  check({ thisUpdate, nextUpdate }) {
    if (thisUpdate.date === undefined || nextUpdate?.date === undefined) return undefined
    return nextUpdate.date.getTime() > thisUpdate.date.getTime() ? undefined : 'nextUpdate is not after thisUpdate'
  },
}
