import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspRevocationReason: OcspLintRule = {
  id: 'ocsp-revocation-reason',
  citation: 'RFC 6960 section 4.2.1, RFC 5280 section 5.3.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'revocationReason is from 0 to 10 without 7, and not removeFromCRL.',
  // "-- value 7 is not used" "The removeFromCRL (8) reasonCode value may only appear in delta CRLs"
  checkBasic({ responses }) {
    for (const { reason } of responses) {
      if (reason === 7 || reason === 8 || (reason ?? 0) > 10) return `revocationReason is ${reason}`
    }
    return undefined
  },
}
