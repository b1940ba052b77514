import { certIdKey } from '../cert-id-key.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponsesPresent: OcspLintRule = {
  id: 'ocsp-responses-present',
  citation: 'RFC 6960 section 4.2.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'There is a SingleResponse, and one for each certificate in the request.',
  // "The response MUST include a SingleResponse for each certificate in the request."
  checkBasic({ responses }, { request }) {
    if (responses.length === 0) return 'no SingleResponse'
    const answered = new Set(responses.map(({ certId }) => certIdKey(certId)))
    return request?.certIds.every(asked => answered.has(asked)) === false
      ? 'a certificate of the request is not answered'
      : undefined
  },
}
