import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponderIdMatches: OcspLintRule = {
  id: 'ocsp-responder-id-matches',
  citation: 'RFC 6960 section 4.2.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Where certificates come along, ResponderID names one of them or the issuer.',
  // "Therefore, the information MUST correspond to the certificate that was used to sign the response."
  checkBasic({ certificates = [] }, { signer }) {
    if (certificates.length === 0 || signer !== undefined) return undefined
    return 'ResponderID names none of the certificates that came along'
  },
}
