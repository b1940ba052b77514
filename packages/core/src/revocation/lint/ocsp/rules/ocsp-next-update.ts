import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspNextUpdate: OcspLintRule = {
  id: 'ocsp-next-update',
  citation: 'RFC 9919 section 3.2.4',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'Every SingleResponse has a nextUpdate.',
  // "However, this field MUST be included in the profile specified in this document to help clients cache responses." RFC 6960 alone leaves it free.
  checkBasic: ({ responses }) =>
    responses.some(({ nextUpdate }) => nextUpdate === undefined) ? 'there is no nextUpdate' : undefined,
}
