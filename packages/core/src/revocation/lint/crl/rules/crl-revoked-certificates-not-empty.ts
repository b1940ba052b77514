import type { CrlLintRule } from '../crl-rule.ts'

export const crlRevokedCertificatesNotEmpty: CrlLintRule = {
  id: 'crl-revoked-certificates-not-empty',
  citation: 'RFC 5280 section 5.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'revokedCertificates is absent where it would be empty.',
  // "When there are no revoked certificates, the revoked certificates list MUST be absent."
  check: ({ revokedCertificates: list }) =>
    list !== undefined && list.content === list.end ? 'an empty list of revoked certificates' : undefined,
}
