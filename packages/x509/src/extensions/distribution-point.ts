import { readImplicitFlag } from '../der/implicit-flag.ts'
import { createDerReader, type DerReader } from '../der/reader.ts'
import { contextTag, derTag } from '../der/tag.ts'
import { context, sequence } from '../der/tlv.ts'
import { encodeExtension } from './extension.ts'
import { extensionOids } from './extension-oids.ts'
import { encodeGeneralName, readGeneralName } from './general-name.ts'

/** RFC 5280 section 5.2.5, as far as this package reads it. */
export interface IssuingDistributionPoint {
  /** URIs of the fullName, in order. */
  readonly urls: readonly string[]
  /** Whether the CRL covers end entities only. */
  readonly onlyContainsUserCerts: boolean
  /** Whether the CRL covers CAs only. */
  readonly onlyContainsCACerts: boolean
  /** Whether the CRL covers attribute certificates only. */
  readonly onlyContainsAttributeCerts: boolean
  /** Whether entries may be of other issuers. */
  readonly indirectCrl: boolean
  /** Whether the CRL covers some reasons only. */
  readonly onlySomeReasons: boolean
}

/**
 * CRLDistributionPoints with one DistributionPoint whose fullName holds all `urls` in order, whole Extension, not critical (RFC 5280 section 4.2.1.13):
 * "If the DistributionPointName contains multiple values, each name describes a different mechanism to obtain the same CRL."
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export function crlDistributionPoints(urls: readonly string[]): Uint8Array {
  return encodeExtension(extensionOids.crlDistributionPoints, false, sequence(crlDistributionPoint(urls)))
}

/** One DistributionPoint (RFC 5280 section 4.2.1.13) whose fullName holds all `urls`. @internal */
export function crlDistributionPoint(urls: readonly string[]): Uint8Array {
  return sequence(fullName(urls))
}

/**
 * The URIs of all DistributionPoints that need no other CRL issuer, in order. Never fetch from them: they are a stranger's.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseCrlDistributionPoints(value: Uint8Array): string[] {
  const reader = createDerReader(value)
  const urls: string[] = []
  reader.enter(derTag.sequence)
  do readPoint(reader, urls)
  while (!reader.atEnd)
  reader.leave()
  reader.finish()
  return urls
}

/** IssuingDistributionPoint, whole Extension, critical (RFC 5280 section 5.2.5). Never empty: "conforming CRLs issuers MUST NOT issue CRLs where the DER encoding … is an empty sequence". */
export function issuingDistributionPoint(options: {
  readonly urls?: readonly string[]
  readonly onlyContainsUserCerts?: boolean
  readonly onlyContainsCACerts?: boolean
}): Uint8Array {
  const { urls, onlyContainsUserCerts = false, onlyContainsCACerts = false } = options
  if (onlyContainsUserCerts && onlyContainsCACerts) {
    throw new TypeError('"onlyContainsUserCerts" and "onlyContainsCACerts" must not both be true')
  }
  const fields: Uint8Array[] = []
  if (urls !== undefined) fields.push(fullName(urls))
  if (onlyContainsUserCerts) fields.push(context(1, false, Uint8Array.of(0xff)))
  if (onlyContainsCACerts) fields.push(context(2, false, Uint8Array.of(0xff)))
  if (fields.length === 0) throw new TypeError('"options" must say something: the extension must not be empty')
  return encodeExtension(extensionOids.issuingDistributionPoint, true, sequence(...fields))
}

/**
 * The value of an IssuingDistributionPoint.
 *
 * @throws PkiError `ERR_PKI_DER`
 */
export function parseIssuingDistributionPoint(value: Uint8Array): IssuingDistributionPoint {
  const reader = createDerReader(value)
  const urls: string[] = []
  reader.enter(derTag.sequence)
  if (reader.peekTag() === contextTag(0, true)) readPointName(reader, urls)
  const onlyContainsUserCerts = readImplicitFlag(reader, 1)
  const onlyContainsCACerts = readImplicitFlag(reader, 2)
  const onlySomeReasons = reader.peekTag() === contextTag(3, false)
  if (onlySomeReasons) reader.bitString(contextTag(3, false))
  const indirectCrl = readImplicitFlag(reader, 4)
  const onlyContainsAttributeCerts = readImplicitFlag(reader, 5)
  reader.leave()
  reader.finish()
  return { urls, onlyContainsUserCerts, onlyContainsCACerts, onlyContainsAttributeCerts, indirectCrl, onlySomeReasons }
}

/** `distributionPoint [0]` around `fullName [0]`. */
function fullName(urls: readonly string[]): Uint8Array {
  if (urls.length === 0) throw new TypeError('"urls" must hold at least one URL')
  return context(0, true, context(0, true, ...urls.map(value => encodeGeneralName({ type: 'uri', value }))))
}

function readPoint(reader: DerReader, urls: string[]): void {
  const found: string[] = []
  reader.enter(derTag.sequence)
  if (reader.peekTag() === contextTag(0, true)) readPointName(reader, found)
  if (reader.peekTag() === contextTag(1, false)) reader.bitString(contextTag(1, false))
  const isIndirect = reader.peekTag() === contextTag(2, true)
  if (isIndirect) reader.element()
  reader.leave()
  if (!isIndirect) urls.push(...found)
}

function readPointName(reader: DerReader, urls: string[]): void {
  reader.enter(contextTag(0, true))
  if (reader.peekTag() === contextTag(1, true)) {
    // nameRelativeToCRLIssuer: nobody publishes there.
    reader.element()
  } else {
    reader.enter(contextTag(0, true))
    do {
      const name = readGeneralName(reader)
      if (name.type === 'uri') urls.push(name.value)
    } while (!reader.atEnd)
    reader.leave()
  }
  reader.leave()
}
