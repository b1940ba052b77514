import { derTag } from './tag.ts'

/** UTCTime, YYMMDDHHMMSSZ: years 1950 to 2049 (RFC 5280 section 4.1.2.5.1); RangeError outside. Milliseconds are cut off. */
export function utcTime(date: Date): Uint8Array {
  const year = date.getUTCFullYear()
  if (!(year >= 1950 && year <= 2049)) throw new RangeError('"date" must be in the years 1950 to 2049')
  const bytes = new Uint8Array(15)
  bytes[0] = derTag.utcTime
  bytes[1] = 13
  writeTwoDigits(bytes, 2, year % 100)
  writeRest(bytes, 4, date)
  return bytes
}

/** GeneralizedTime, YYYYMMDDHHMMSSZ: years 0 to 9999, whole seconds (RFC 5280 section 4.1.2.5.2); RangeError outside. Milliseconds are cut off. */
export function generalizedTime(date: Date): Uint8Array {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new RangeError('"date" must be in the years 0 to 9999')
  const bytes = new Uint8Array(17)
  bytes[0] = derTag.generalizedTime
  bytes[1] = 15
  writeTwoDigits(bytes, 2, Math.floor(year / 100))
  writeTwoDigits(bytes, 4, year % 100)
  writeRest(bytes, 6, date)
  return bytes
}

/**
 * The moment that the content of a UTCTime (13 octets) or GeneralizedTime (15 octets) names, or `undefined`: only the forms of RFC 5280 section 4.1.2.5,
 * with seconds, with `Z`, without fractions, and only days that exist.
 *
 * @internal
 */
export function decodeTime(bytes: Uint8Array, start: number, end: number, yearDigits: 2 | 4): Date | undefined {
  if (end - start !== yearDigits + 11 || bytes[end - 1] !== 0x5a) return undefined
  for (let index = start; index < end - 1; index++) {
    const octet = bytes[index]!
    if (octet < 0x30 || octet > 0x39) return undefined
  }
  let year = twoDigits(bytes, start)
  // RFC 5280 section 4.1.2.5.1: "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY".
  if (yearDigits === 2) year += year >= 50 ? 1900 : 2000
  else year = year * 100 + twoDigits(bytes, start + 2)
  const rest = start + yearDigits
  const month = twoDigits(bytes, rest)
  const day = twoDigits(bytes, rest + 2)
  const hours = twoDigits(bytes, rest + 4)
  const minutes = twoDigits(bytes, rest + 6)
  const seconds = twoDigits(bytes, rest + 8)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hours > 23 || minutes > 59 || seconds > 59) {
    return undefined
  }
  if (year >= 100) return new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds))
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hours, minutes, seconds)
  return date
}

/** MMDDHHMMSSZ. */
function writeRest(bytes: Uint8Array, offset: number, date: Date): void {
  writeTwoDigits(bytes, offset, date.getUTCMonth() + 1)
  writeTwoDigits(bytes, offset + 2, date.getUTCDate())
  writeTwoDigits(bytes, offset + 4, date.getUTCHours())
  writeTwoDigits(bytes, offset + 6, date.getUTCMinutes())
  writeTwoDigits(bytes, offset + 8, date.getUTCSeconds())
  bytes[offset + 10] = 0x5a
}

function writeTwoDigits(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = 0x30 + Math.floor(value / 10)
  bytes[offset + 1] = 0x30 + (value % 10)
}

function twoDigits(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! - 0x30) * 10 + bytes[offset + 1]! - 0x30
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
