import type { LintRule } from '../lint-rule.ts'

export const keyCertSignInCa: LintRule = {
  id: 'key-cert-sign-in-ca',
  citation: 'RFC 5280 sections 4.2.1.3 and 4.2.1.9',
  scope: 'rfc',
  severity: 'error',
  requirement: 'keyCertSign is set in a CA, and nowhere else.',
  // "If the keyCertSign bit is asserted, then the cA bit in the basic constraints extension … MUST also be asserted." "If the cA boolean is not asserted, then the keyCertSign bit in the key usage extension MUST NOT be asserted."
  check({ keyUsage }, { isCa }) {
    if (keyUsage === undefined || keyUsage.includes('keyCertSign') === isCa) return undefined
    return isCa ? 'a CA without keyCertSign' : 'keyCertSign in a certificate that is not of a CA'
  },
}
