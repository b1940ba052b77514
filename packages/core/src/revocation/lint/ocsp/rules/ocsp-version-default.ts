import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspVersionDefault: OcspLintRule = {
  id: 'ocsp-version-default',
  citation: 'X.690 section 11.5, by RFC 6960 section 4.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The version v1 is not written.',
  // "The value for response SHALL be the DER encoding of BasicOCSPResponse." "version [0] EXPLICIT Version DEFAULT v1"
  checkBasic: ({ version }) => (version === 0 ? 'the version v1 is written out' : undefined),
}
