import { derTag } from '@fleetcert/x509/der'
import type { RawTime } from '../../raw-time.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspTimeForm: OcspLintRule = {
  id: 'ocsp-time-form',
  citation: 'RFC 9919 section 3.2.4, RFC 6960 section 4.2.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Times are GeneralizedTime with `Z` and seconds, without fractions, whatever their year.',
  // "MUST be expressed Greenwich Mean Time (Zulu) and MUST include seconds (i.e., times are YYYYMMDDHHMMSSZ), even where the number of seconds is zero. GeneralizedTime values MUST NOT include fractional seconds."
  checkBasic({ producedAt, responses }) {
    if (isWrong(producedAt)) return 'producedAt is not a GeneralizedTime of RFC 5280'
    for (const { thisUpdate, nextUpdate, revocationTime } of responses) {
      if (isWrong(thisUpdate)) return 'thisUpdate is not a GeneralizedTime of RFC 5280'
      if (isWrong(nextUpdate)) return 'nextUpdate is not a GeneralizedTime of RFC 5280'
      if (isWrong(revocationTime)) return 'revocationTime is not a GeneralizedTime of RFC 5280'
    }
    return undefined
  },
}

function isWrong(time: RawTime | undefined): boolean {
  return time !== undefined && (time.date === undefined || time.der[0] !== derTag.generalizedTime)
}
