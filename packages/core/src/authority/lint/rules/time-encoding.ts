import type { TbsCertificate } from '@fleetcert/x509'
import { derTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { contentStart, elementEnd, offsetBehind } from '../octets.ts'

/** 2050-01-01T00:00:00Z. */
const year2050 = Date.UTC(2050, 0)

export const timeEncoding: LintRule = {
  id: 'time-encoding',
  citation: 'RFC 5280 section 4.1.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Dates through 2049 are UTCTime, dates from 2050 on GeneralizedTime.',
  // "CAs conforming to this profile MUST always encode certificate validity dates through the year 2049 as UTCTime; certificate validity dates in 2050 or later MUST be encoded as GeneralizedTime."
  check(certificate) {
    const { tbsCertificate } = certificate
    const notBefore = contentStart(tbsCertificate, offsetBehind(certificate, certificate.issuerDer))
    const notAfter = elementEnd(tbsCertificate, notBefore)
    return isWrong(certificate, notBefore, certificate.notBefore) ||
      isWrong(certificate, notAfter, certificate.notAfter)
      ? 'a date is in the wrong one of UTCTime and GeneralizedTime'
      : undefined
  },
}

function isWrong({ tbsCertificate }: TbsCertificate, offset: number, date: Date): boolean {
  return tbsCertificate[offset] !== (date.getTime() < year2050 ? derTag.utcTime : derTag.generalizedTime)
}
