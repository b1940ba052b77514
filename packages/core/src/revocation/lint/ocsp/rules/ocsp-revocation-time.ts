import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspRevocationTime: OcspLintRule = {
  id: 'ocsp-revocation-time',
  citation: 'RFC 6960 section 2.4',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'revocationTime is not after thisUpdate.',
  // "The time at which the certificate was revoked or placed on hold." At thisUpdate it was known to be so; clocks of several machines may differ.
  checkBasic: ({ responses }) =>
    responses.some(
      ({ revocationTime, thisUpdate }) =>
        revocationTime?.date !== undefined && thisUpdate.date !== undefined && revocationTime.date > thisUpdate.date,
    )
      ? 'revocationTime is after thisUpdate'
      : undefined,
}
