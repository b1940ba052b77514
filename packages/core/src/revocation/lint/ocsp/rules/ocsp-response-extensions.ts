import { nonceOid } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponseExtensions: OcspLintRule = {
  id: 'ocsp-response-extensions',
  citation: 'RFC 9919 section 3.2.1',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'responseExtensions holds nothing but a nonce.',
  // "The responder SHOULD NOT include responseExtensions." A nonce is what was asked for.
  checkBasic({ extensions = [] }) {
    const other = extensions.find(({ oid }) => oid !== nonceOid)
    return other === undefined ? undefined : `responseExtensions holds ${other.oid}`
  },
}
