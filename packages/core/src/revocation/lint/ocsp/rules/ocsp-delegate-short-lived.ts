import type { OcspLintRule } from '../ocsp-rule.ts'

const mostDays = 90
const dayMilliseconds = 24 * 60 * 60 * 1000

export const ocspDelegateShortLived: OcspLintRule = {
  id: 'ocsp-delegate-short-lived',
  citation: 'fleetcert: RFC 9919 section 3.2.2 wants it relatively short-lived; nobody can ask whether it is revoked',
  scope: 'fleetcert',
  severity: 'warning',
  requirement: "The delegate's certificate lasts 90 days at most.",
  checkBasic: (_response, { delegate }) =>
    delegate !== undefined && delegate.notAfter.getTime() - delegate.notBefore.getTime() > mostDays * dayMilliseconds
      ? `a delegate for more than ${mostDays} days`
      : undefined,
}
