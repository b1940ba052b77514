import { derTag } from '@fleetcert/x509/der'
import type { RawTime } from '../../raw-time.ts'
import type { CrlLintRule } from '../crl-rule.ts'

/** 2050-01-01T00:00:00Z. */
const year2050 = Date.UTC(2050, 0)

export const crlTimeEncoding: CrlLintRule = {
  id: 'crl-time-encoding',
  citation: 'RFC 5280 sections 5.1.2.4, 5.1.2.5 and 5.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Times through 2049 are UTCTime, times from 2050 on GeneralizedTime.',
  // "CRL issuers conforming to this profile MUST encode thisUpdate as UTCTime for dates through the year 2049." "The time for revocationDate MUST be expressed as described in Section 5.1.2.4."
  check: ({ thisUpdate, nextUpdate }) =>
    isWrong(thisUpdate) || isWrong(nextUpdate)
      ? 'thisUpdate or nextUpdate is in the wrong one of UTCTime and GeneralizedTime'
      : undefined,
  entries:
    () =>
    ({ revocationDate }) =>
      isWrong(revocationDate) ? 'revocationDate is in the wrong one of UTCTime and GeneralizedTime' : undefined,
}

/** What has no form of RFC 5280 has a rule of its own. */
function isWrong(time: RawTime | undefined): boolean {
  if (time?.date === undefined) return false
  return time.der[0] !== (time.date.getTime() < year2050 ? derTag.utcTime : derTag.generalizedTime)
}
