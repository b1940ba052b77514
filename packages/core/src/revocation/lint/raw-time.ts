import { parseTime } from '@fleetcert/x509'
import { type DerReader, derTag } from '@fleetcert/x509/der'

/** A time as it stands: its form is for rules to judge, not for the reader. */
export interface RawTime {
  /** The whole element, UTCTime or GeneralizedTime. */
  readonly der: Uint8Array
  /** `undefined`: not in a form of RFC 5280 section 4.1.2.5. */
  readonly date: Date | undefined
}

/** The next element as a UTCTime or GeneralizedTime of any form. @throws PkiError `ERR_PKI_DER` */
export function readRawTime(reader: DerReader): RawTime {
  const der = isTimeTag(reader.peekTag()) ? reader.element() : reader.element(derTag.generalizedTime)
  return { der, date: dateOf(der) }
}

export function isTimeTag(tag: number | undefined): boolean {
  return tag === derTag.utcTime || tag === derTag.generalizedTime
}

function dateOf(der: Uint8Array): Date | undefined {
  try {
    return parseTime(der)
  } catch {
    return undefined
  }
}
