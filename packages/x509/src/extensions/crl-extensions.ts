import { createDerReader } from '../der/reader.ts'
import { generalizedTime } from '../der/time.ts'
import { enumerated, integer } from '../der/writer.ts'
import type { CrlReason } from '../types.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'

/** RFC 5280 section 5.3.1; 7 is not used. */
const reasonNumbers: Readonly<Record<CrlReason, number>> = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
}
const reasonNames: ReadonlyMap<number, CrlReason> = new Map(
  Object.entries(reasonNumbers).map(([name, number]) => [number, name as CrlReason]),
)

// A CRL has as many of these as entries.
const reasonExtensions: ReadonlyMap<CrlReason, Uint8Array> = new Map(
  [...reasonNames].map(([number, name]) => [
    name,
    encodeExtension(extensionOids.reasonCode, false, enumerated(number)),
  ]),
)

/** CRLNumber, whole Extension, not critical (RFC 5280 section 5.2.3). At most 20 octets: "CRL issuers … MUST NOT use CRLNumber values longer than 20 octets". */
export function crlNumberExtension(crlNumber: bigint): Uint8Array {
  assertCrlNumber('crlNumber', crlNumber)
  return encodeExtension(extensionOids.crlNumber, false, integer(crlNumber))
}

/**
 * DeltaCRLIndicator, whole Extension, critical: "the value of the BaseCRLNumber identifies the CRL number of the complete CRL … that was used as the starting point in the generation of this delta CRL"
 * (RFC 5280 section 5.2.4).
 */
export function deltaCrlIndicator(baseCrlNumber: bigint): Uint8Array {
  assertCrlNumber('baseCrlNumber', baseCrlNumber)
  return encodeExtension(extensionOids.deltaCrlIndicator, true, integer(baseCrlNumber))
}

function assertCrlNumber(label: string, value: bigint): void {
  if (value < 0n || value >= 2n ** 159n) throw new RangeError(`"${label}" must be from 0 to 2^159 − 1`)
}

/** CRLReason of an entry, whole Extension, not critical (RFC 5280 section 5.3.1). */
export function reasonCodeExtension(reason: CrlReason): Uint8Array {
  const extension = reasonExtensions.get(reason)
  if (extension === undefined) throw new TypeError('"reason" must be a CrlReason')
  return extension
}

/** The number of a reason (RFC 5280 section 5.3.1). @internal */
export function reasonNumberOf(reason: CrlReason): number {
  if (!Object.hasOwn(reasonNumbers, reason)) throw new TypeError('"reason" must be a CrlReason')
  return reasonNumbers[reason]
}

/** The reason of a number; `undefined` for 7 and all above 10. @internal */
export function reasonNameOf(number: number): CrlReason | undefined {
  return reasonNames.get(number)
}

/** InvalidityDate of an entry, whole Extension, not critical (RFC 5280 section 5.3.2): GeneralizedTime also before 2050. */
export function invalidityDateExtension(date: Date): Uint8Array {
  return encodeExtension(extensionOids.invalidityDate, false, generalizedTime(date))
}

/**
 * The value of a CRLNumber, and of a DeltaCRLIndicator, which is a CRLNumber too.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseCrlNumber(value: Uint8Array): bigint {
  const reader = createDerReader(value)
  const octets = reader.integerOctets()
  if (octets.length > 20 || octets[0]! & 0x80) throw reader.error('CRL number out of range')
  reader.finish()
  return createDerReader(value).integer()
}

/**
 * The value of a CRLReason.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseReasonCode(value: Uint8Array): CrlReason {
  const reader = createDerReader(value)
  const reason = reasonNames.get(reader.enumerated())
  if (reason === undefined) throw reader.error('unknown reason')
  reader.finish()
  return reason
}

/**
 * The value of an InvalidityDate.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseInvalidityDate(value: Uint8Array): Date {
  const reader = createDerReader(value)
  const date = reader.generalizedTime()
  reader.finish()
  return date
}
