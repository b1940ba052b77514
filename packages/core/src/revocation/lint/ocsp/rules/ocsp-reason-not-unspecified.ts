import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspReasonNotUnspecified: OcspLintRule = {
  id: 'ocsp-reason-not-unspecified',
  citation: 'fleetcert: the same as in CRLs (RFC 5280 section 5.3.1), and CA/B Baseline Requirements 7.3',
  scope: 'fleetcert',
  severity: 'warning',
  requirement: 'revocationReason is absent instead of unspecified (0).',
  checkBasic: ({ responses }) =>
    responses.some(({ reason }) => reason === 0) ? 'revocationReason is unspecified' : undefined,
}
