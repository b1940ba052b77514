import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspResponseStatus: OcspLintRule = {
  id: 'ocsp-response-status',
  citation: 'RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'responseStatus is from 0 to 6 without 4.',
  // "-- (4) is not used"
  check: ({ responseStatus: status }) =>
    status === 4 || status > 6 ? `responseStatus is ${status}, which has no meaning` : undefined,
}
