import type { LintRule } from '../lint-rule.ts'

export const crlSignInCa: LintRule = {
  id: 'crl-sign-in-ca',
  citation:
    'fleetcert: CAs sign their own CRLs (RFC 5280 allows separate CRL issuers); of a CA with several keys, the first does',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'cRLSign is set in a CA, and nowhere else; a further key of the same CA may do without.',
  check({ keyUsage }, { isCa, isSelfIssued, issuer }) {
    if (keyUsage === undefined || keyUsage.includes('cRLSign') === isCa) return undefined
    // The CA's other key signed it; a root has no issuer here but itself.
    if (isCa && isSelfIssued && issuer !== undefined) return undefined
    return isCa ? 'a CA without cRLSign' : 'cRLSign in a certificate that is not of a CA'
  },
}
