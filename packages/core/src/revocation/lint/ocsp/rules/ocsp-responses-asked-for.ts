import { certIdKey } from '../cert-id-key.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponsesAskedFor: OcspLintRule = {
  id: 'ocsp-responses-asked-for',
  citation: 'RFC 6960 section 4.2.2.3',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'There is no SingleResponse for a certificate that the request does not name.',
  // "The response SHOULD NOT include any additional SingleResponse elements"; whoever signs ahead of requests may (RFC 9919 section 3.2.1).
  checkBasic: ({ responses }, { request }) =>
    request !== undefined && responses.some(({ certId }) => !request.certIds.includes(certIdKey(certId)))
      ? 'a SingleResponse that was not asked for'
      : undefined,
}
