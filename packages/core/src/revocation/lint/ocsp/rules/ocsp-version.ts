import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspVersion: OcspLintRule = {
  id: 'ocsp-version',
  citation: 'RFC 6960 section 4.2.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The version is 1.',
  // "the version of the response syntax, which MUST be v1 (value is 0) for this version of the basic response syntax"
  checkBasic: ({ version }) => (version === undefined || version === 0 ? undefined : 'the version is not 1'),
}
