import type { LintRule } from '../lint-rule.ts'

export const issuerIsCa: LintRule = {
  id: 'issuer-is-ca',
  citation: 'RFC 5280 sections 6.1.4 (k) and (n)',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The issuer is a CA, and its keyUsage, if it has one, holds keyCertSign.',
  // "verify that the basicConstraints extension is present and that cA is set to TRUE"; "If a key usage extension is present, verify that the keyCertSign bit is set."
  check(_certificate, { issuer }) {
    if (issuer === undefined) return undefined
    if (issuer.basicConstraints?.cA !== true) return 'the issuer is not a CA'
    return issuer.keyUsage === undefined || issuer.keyUsage.includes('keyCertSign')
      ? undefined
      : 'the issuer may not sign certificates'
  },
}
