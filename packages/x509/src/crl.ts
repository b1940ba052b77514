import { createDerReader, type DerReader } from './der/reader.ts'
import { contextTag, derTag } from './der/tag.ts'
import { concat, context, elementHeader, sequence, sequenceOf } from './der/tlv.ts'
import { bitString, integer } from './der/writer.ts'
import { parseCrlNumber, parseInvalidityDate, parseReasonCode } from './extensions/crl-extensions.ts'
import { type IssuingDistributionPoint, parseIssuingDistributionPoint } from './extensions/distribution-point.ts'
import { findExtension, readExtensions } from './extensions/extension.ts'
import { extensionOids } from './extensions/extension-oids.ts'
import { parseFreshestCrl } from './extensions/freshest-crl.ts'
import { parseAuthorityKeyIdentifier } from './extensions/key-identifier.ts'
import { derOf } from './input.ts'
import { readName } from './name.ts'
import { PkiError } from './pki-error.ts'
import { readSerialNumber } from './serial-number.ts'
import { readSignatureAlgorithm, signatureAlgorithmIdentifier } from './signature.ts'
import { encodeTime } from './time.ts'
import type { CrlReason, DistinguishedName, Extension, SignatureAlgorithm } from './types.ts'

/** About two million entries. */
const limitBytes = 64 * 1024 * 1024

/** One entry of a CRL. */
export interface RevokedCertificate {
  /** As in `Certificate`. */
  readonly serialNumber: string
  /** When the CA revoked it. */
  readonly revocationDate: Date
  /** Absent means `unspecified`. */
  readonly reason?: CrlReason
  /** Since when it is known or thought to be bad (RFC 5280 section 5.3.2). */
  readonly invalidityDate?: Date
}

/** What a CertificateList (RFC 5280 section 5.1) says. All octet arrays are views of the input. */
export interface CertificateRevocationList {
  /** The whole list. */
  readonly der: Uint8Array
  /** What is signed, DER. */
  readonly tbsCertList: Uint8Array
  /** As people count them: 2 is written as 1. */
  readonly version: 1 | 2
  /** Who signed. */
  readonly issuer: DistinguishedName
  /** The same as its octets: names are compared by these. */
  readonly issuerDer: Uint8Array
  /** When it was made. */
  readonly thisUpdate: Date
  /** When the next one is due at the latest. */
  readonly nextUpdate?: Date | undefined
  /** In order. */
  readonly entries: readonly RevokedCertificate[]
  /** Of the list, in order, none twice. */
  readonly extensions: readonly Extension[]
  /** RFC 5280 section 5.2.3. */
  readonly crlNumber?: bigint | undefined
  /** The keyIdentifier of AuthorityKeyIdentifier. */
  readonly authorityKeyIdentifier?: Uint8Array | undefined
  /** Which certificates the list is about (RFC 5280 section 5.2.5). */
  readonly issuingDistributionPoint?: IssuingDistributionPoint | undefined
  /**
   * There in a delta CRL alone, from DeltaCRLIndicator: the list says only what has changed since the full CRL of that number (RFC 5280 section 5.2.4).
   * By itself it must not be used as a full one: what it does not list may be revoked.
   */
  readonly baseCrlNumber?: bigint | undefined
  /** Where the delta CRLs of the scope are, from FreshestCRL (RFC 5280 section 5.2.6). Never fetch from there: it is a stranger's word. */
  readonly freshestCrl?: readonly string[] | undefined
  /**
   * OIDs of critical extensions, of the list or its entries, that are not interpreted here. Unless it is empty, the CRL
   * "MUST NOT [be used] to determine the status of any certificates" (RFC 5280 section 5.3): an entry may be another issuer's.
   */
  readonly unhandledCriticalExtensions: readonly string[]
  /** `undefined`: not supported, or inner and outer AlgorithmIdentifier differ (RFC 5280 section 5.1.1.2). */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined
  /** Dotted. */
  readonly signatureAlgorithmOid: string
  /** The octets of the BIT STRING. */
  readonly signature: Uint8Array
}

/**
 * Reads a CRL: DER, or PEM with one `X509 CRL` block, up to 64 MiB, in linear time. The structure is checked strictly; nothing is verified, neither signature nor currency nor scope.
 *
 * @throws PkiError `ERR_PKI_CRL`, `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`
 */
export function parseCrl(input: Uint8Array | string): CertificateRevocationList {
  const der = derOf(input, { labels: ['X509 CRL'], limitBytes })
  const reader = createDerReader(der, { maxBytes: limitBytes })
  reader.enter(derTag.sequence)
  const list = readTbsCertList(reader)
  const start = reader.offset
  const outer = readSignatureAlgorithm(reader)
  const isSame = Buffer.compare(reader.slice(start, reader.offset), list.tbsSignatureAlgorithm) === 0
  const { octets: signature, unusedBits } = reader.bitString()
  if (unusedBits !== 0) throw malformed('signature of no whole octets')
  reader.leave()
  reader.finish()
  const { tbsSignatureAlgorithm: _, ...rest } = list
  return {
    der,
    ...rest,
    signatureAlgorithm: isSame ? outer.algorithm : undefined,
    signatureAlgorithmOid: outer.oid,
    signature,
  }
}

/** What a TBSCertList is made of. */
export interface TbsCertListFields {
  readonly signatureAlgorithm: SignatureAlgorithm
  /** The issuer's subject as it stands in its certificate. */
  readonly issuerDer: Uint8Array
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Encoded already; each array holds any number of entries, one after the other. */
  readonly entries: readonly Uint8Array[]
  /** Whole Extensions. */
  readonly extensions: readonly Uint8Array[]
}

/**
 * TBSCertList version 2 (RFC 5280 section 5.1.2). `entries` and `extensions` are encoded already.
 * "When there are no revoked certificates, the revoked certificates list MUST be absent" (section 5.1.2.6).
 */
export function encodeTbsCertList(list: TbsCertListFields): Uint8Array {
  return concat(encodeTbsCertListParts(list))
}

/** {@link encodeTbsCertList} without a copy of the entries: the octets are those of all parts, one after the other. `entries` are among the parts, as they are. */
export function encodeTbsCertListParts(list: TbsCertListFields): Uint8Array[] {
  // RFC 5280 sections 5.2.1 and 5.2.3: every CRL has AuthorityKeyIdentifier and CRLNumber.
  if (list.extensions.length === 0) throw new TypeError('"extensions" must hold at least one extension')
  const before = [
    integer(1),
    signatureAlgorithmIdentifier(list.signatureAlgorithm),
    list.issuerDer,
    encodeTime(list.thisUpdate),
    encodeTime(list.nextUpdate),
  ]
  const entries = list.entries.filter(({ length }) => length > 0)
  const entriesLength = lengthOf(entries)
  if (entriesLength > 0) before.push(elementHeader(derTag.sequence, entriesLength))
  const after = context(0, true, sequenceOf(list.extensions))
  const header = elementHeader(derTag.sequence, lengthOf(before) + entriesLength + after.length)
  return [concat([header, ...before]), ...entries, after]
}

/** {@link encodeCertificateList} without a copy: of the parts of a TBSCertList, which are among the result as they are. */
export function encodeCertificateListParts(
  tbsCertList: readonly Uint8Array[],
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array[] {
  const after = concat([signatureAlgorithmIdentifier(algorithm), bitString(signature)])
  return [elementHeader(derTag.sequence, lengthOf(tbsCertList) + after.length), ...tbsCertList, after]
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

/** CertificateList (RFC 5280 section 5.1) of an encoded TBSCertList and its signature. The algorithm must be the one that `tbsCertList` names. */
export function encodeCertificateList(
  tbsCertList: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array {
  return sequence(tbsCertList, signatureAlgorithmIdentifier(algorithm), bitString(signature))
}

function readTbsCertList(reader: DerReader) {
  const unhandled = new Set<string>()
  const start = reader.offset
  reader.enter(derTag.sequence)
  const isVersion2 = reader.peekTag() === derTag.integer
  if (isVersion2 && reader.smallInteger() !== 1) throw malformed('version neither 1 nor 2')
  const algorithmStart = reader.offset
  readSignatureAlgorithm(reader)
  const issuerStart = reader.offset
  const issuer = readName(reader, { strict: false })
  const issuerEnd = reader.offset
  const thisUpdate = reader.time()
  const tag = reader.peekTag()
  const nextUpdate = tag === derTag.utcTime || tag === derTag.generalizedTime ? reader.time() : undefined
  const entries = reader.peekTag() === derTag.sequence ? readEntries(reader, isVersion2, unhandled) : []
  const extensions = reader.peekTag() === contextTag(0, true) ? readListExtensions(reader, isVersion2, unhandled) : []
  reader.leave()
  return {
    tbsCertList: reader.slice(start, reader.offset),
    version: isVersion2 ? (2 as const) : (1 as const),
    tbsSignatureAlgorithm: reader.slice(algorithmStart, issuerStart),
    issuer,
    issuerDer: reader.slice(issuerStart, issuerEnd),
    thisUpdate,
    nextUpdate,
    entries,
    extensions,
    crlNumber: findExtension(extensions, extensionOids.crlNumber, parseCrlNumber),
    authorityKeyIdentifier: findExtension(
      extensions,
      extensionOids.authorityKeyIdentifier,
      parseAuthorityKeyIdentifier,
    ),
    issuingDistributionPoint: findExtension(
      extensions,
      extensionOids.issuingDistributionPoint,
      parseIssuingDistributionPoint,
    ),
    baseCrlNumber: findExtension(extensions, extensionOids.deltaCrlIndicator, parseCrlNumber),
    freshestCrl: findExtension(extensions, extensionOids.freshestCrl, parseFreshestCrl),
    unhandledCriticalExtensions: [...unhandled],
  }
}

function readEntries(reader: DerReader, isVersion2: boolean, unhandled: Set<string>): RevokedCertificate[] {
  const entries: RevokedCertificate[] = []
  reader.enter(derTag.sequence)
  if (reader.atEnd) throw malformed('empty list of revoked certificates')
  while (!reader.atEnd) {
    reader.enter(derTag.sequence)
    const serialNumber = readSerialNumber(reader).text
    const revocationDate = reader.time()
    if (reader.atEnd) {
      entries.push({ serialNumber, revocationDate })
    } else {
      if (!isVersion2) throw malformed('entry extensions in a version 1 list')
      entries.push({ serialNumber, revocationDate, ...readEntryExtensions(reader, unhandled) })
    }
    reader.leave()
  }
  reader.leave()
  return entries
}

function readEntryExtensions(
  reader: DerReader,
  unhandled: Set<string>,
): { readonly reason?: CrlReason; readonly invalidityDate?: Date } {
  const found: { reason?: CrlReason; invalidityDate?: Date } = {}
  for (const { oid, critical, value } of readExtensions(reader, { strict: false })) {
    if (oid === extensionOids.reasonCode) found.reason = parseReasonCode(value)
    else if (oid === extensionOids.invalidityDate) found.invalidityDate = parseInvalidityDate(value)
    // certificateIssuer of indirect CRLs is among them: it is always critical.
    else if (critical) unhandled.add(oid)
  }
  return found
}

function readListExtensions(reader: DerReader, isVersion2: boolean, unhandled: Set<string>): Extension[] {
  if (!isVersion2) throw malformed('extensions in a version 1 list')
  reader.enter(contextTag(0, true))
  const extensions = readExtensions(reader, { strict: false })
  reader.leave()
  for (const { oid, critical } of extensions) if (critical && !interpreted.has(oid)) unhandled.add(oid)
  return extensions
}

const interpreted: ReadonlySet<string> = new Set([
  extensionOids.crlNumber,
  extensionOids.authorityKeyIdentifier,
  extensionOids.issuingDistributionPoint,
  // A reader that does not look at `baseCrlNumber` has been warned there.
  extensionOids.deltaCrlIndicator,
  extensionOids.freshestCrl,
])

function malformed(reason: string): PkiError<'ERR_PKI_CRL'> {
  return new PkiError('ERR_PKI_CRL', { reason })
}
