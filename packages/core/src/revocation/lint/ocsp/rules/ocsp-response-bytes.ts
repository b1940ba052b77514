import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponseBytes: OcspLintRule = {
  id: 'ocsp-response-bytes',
  citation: 'RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'responseBytes is there if and only if the status is successful.',
  // "If the value of responseStatus is one of the error conditions, the responseBytes field is not set."
  check({ responseStatus, responseType }) {
    if ((responseStatus === 0) === (responseType !== undefined)) return undefined
    return responseStatus === 0 ? 'a successful response without responseBytes' : 'an error with responseBytes'
  },
}
