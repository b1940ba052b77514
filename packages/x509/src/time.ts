import { derTag } from './der/tag.ts'
import { decodeTime, generalizedTime, utcTime } from './der/time.ts'
import { PkiError } from './pki-error.ts'

/** "a certificate that has no well-defined expiration date": 99991231235959Z (RFC 5280 section 4.1.2.5). Copy it before changing it. */
export const endlessNotAfter: Date = new Date('9999-12-31T23:59:59Z')

/** Time (RFC 5280 section 4.1.2.5): UTCTime "through the year 2049", GeneralizedTime from 2050. Milliseconds are cut off. RangeError before 1950 or after 9999. */
export function encodeTime(date: Date): Uint8Array {
  return date.getUTCFullYear() >= 2050 ? generalizedTime(date) : utcTime(date)
}

/**
 * The moment of an encoded UTCTime or GeneralizedTime; only the forms of RFC 5280 (seconds, `Z`, no fractions).
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseTime(der: Uint8Array): Date {
  const yearDigits = der[0] === derTag.utcTime ? 2 : 4
  const right = der[0] === derTag.utcTime || der[0] === derTag.generalizedTime
  const date = right && der[1] === der.length - 2 ? decodeTime(der, 2, der.length, yearDigits) : undefined
  if (date === undefined) throw new PkiError('ERR_PKI_DER', { reason: 'not a UTCTime or GeneralizedTime of RFC 5280' })
  return date
}
