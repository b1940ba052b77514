import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspCertsNotEmpty: OcspLintRule = {
  id: 'ocsp-certs-not-empty',
  citation: 'RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'certs is absent where it would be empty.',
  // "If no certificates are included, then certs SHOULD be absent."
  checkBasic: ({ certificates }) => (certificates?.length === 0 ? 'an empty list of certificates' : undefined),
}
