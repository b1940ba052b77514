import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspUpdateOrder: OcspLintRule = {
  id: 'ocsp-update-order',
  citation: 'RFC 6960 section 4.2.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'nextUpdate is after thisUpdate.',
  // "The thisUpdate and nextUpdate fields define a recommended validity interval."
  checkBasic({ responses }) {
    for (const { thisUpdate, nextUpdate } of responses) {
      if (thisUpdate.date === undefined || nextUpdate?.date === undefined) continue
      if (nextUpdate.date <= thisUpdate.date) return 'nextUpdate is not after thisUpdate'
    }
    return undefined
  },
}
