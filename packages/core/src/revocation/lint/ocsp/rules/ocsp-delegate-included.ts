import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspDelegateIncluded: OcspLintRule = {
  id: 'ocsp-delegate-included',
  citation: 'RFC 9919 section 3.2.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The certificate of a responder other than the issuer comes along.',
  // "If the response is signed by a delegate of the issuing certification authority (CA), a valid responder certificate MUST be referenced in the BasicOCSPResponse.certs structure."
  checkBasic: ({ certificates = [] }, { isSignedByIssuer }) =>
    isSignedByIssuer === false && certificates.length === 0
      ? 'a response of a delegate without its certificate'
      : undefined,
}
