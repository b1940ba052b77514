import type { LintRule } from '../lint-rule.ts'

export const crlSignInCa: LintRule = {
  id: 'crl-sign-in-ca',
  citation: 'fleetcert: CAs sign their own CRLs (RFC 5280 allows separate CRL issuers)',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'cRLSign is set in a CA, and nowhere else.',
  check({ keyUsage }, { isCa }) {
    if (keyUsage === undefined || keyUsage.includes('cRLSign') === isCa) return undefined
    return isCa ? 'a CA without cRLSign' : 'cRLSign in a certificate that is not of a CA'
  },
}
