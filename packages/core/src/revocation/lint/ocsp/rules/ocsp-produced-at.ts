import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspProducedAt: OcspLintRule = {
  id: 'ocsp-produced-at',
  citation: 'RFC 6960 sections 2.4 and 2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'producedAt is not before thisUpdate, and before nextUpdate.',
  // "The most recent time at which the status being indicated is known by the responder to have been correct." "The time at which the OCSP responder signed this response."
  checkBasic({ producedAt: { date: producedAt }, responses }) {
    if (producedAt === undefined) return undefined
    for (const { thisUpdate, nextUpdate } of responses) {
      if (thisUpdate.date !== undefined && thisUpdate.date > producedAt) return 'thisUpdate is after producedAt'
      if (nextUpdate?.date !== undefined && nextUpdate.date <= producedAt) return 'producedAt is not before nextUpdate'
    }
    return undefined
  },
}
