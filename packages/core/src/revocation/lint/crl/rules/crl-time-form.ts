import type { CrlLintRule } from '../crl-rule.ts'

export const crlTimeForm: CrlLintRule = {
  id: 'crl-time-form',
  citation: 'RFC 5280 sections 5.1.2.4, 5.1.2.5 and 5.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Times are in Greenwich Mean Time (`Z`), with seconds and without fractions.',
  // "GeneralizedTime values MUST be expressed in Greenwich Mean Time (Zulu) and MUST include seconds" … "GeneralizedTime values MUST NOT include fractional seconds." (section 4.1.2.5.2)
  check: ({ thisUpdate, nextUpdate }) =>
    thisUpdate.date === undefined || (nextUpdate !== undefined && nextUpdate.date === undefined)
      ? 'thisUpdate or nextUpdate is not in a form of RFC 5280'
      : undefined,
  entries:
    () =>
    ({ revocationDate }) =>
      revocationDate.date === undefined ? 'revocationDate is not in a form of RFC 5280' : undefined,
}
