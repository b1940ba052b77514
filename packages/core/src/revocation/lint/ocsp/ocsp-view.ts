import { contextTag, createDerReader, type DerReader, derTag } from '@fleetcert/x509/der'
import { type RawExtension, readRawExtensions } from '../raw-extension.ts'
import { type RawTime, readRawTime } from '../raw-time.ts'

const limitBytes = 64 * 1024
const idPkixOcspBasic = '1.3.6.1.5.5.7.48.1.1'

/** An OCSPResponse (RFC 6960 section 4.2.1) as it stands. DER throughout; apart from that nothing is refused that a rule could name. */
export interface OcspView {
  readonly responseStatus: number
  /** Dotted; `undefined` without responseBytes. */
  readonly responseType: string | undefined
  /** `undefined` where the type is another one, or there are no responseBytes. */
  readonly basic: BasicResponseView | undefined
}

/** A BasicOCSPResponse. */
export interface BasicResponseView {
  /** The number written; `undefined` where it is left to its default. */
  readonly version: number | undefined
  readonly responderId: { readonly byKey: Uint8Array } | { readonly byName: Uint8Array }
  readonly producedAt: RawTime
  readonly responses: readonly SingleResponseView[]
  /** `undefined`: none are written. */
  readonly extensions: readonly RawExtension[] | undefined
  /** AlgorithmIdentifier. */
  readonly signatureAlgorithm: Uint8Array
  /** DER each; `undefined`: the field is absent. */
  readonly certificates: readonly Uint8Array[] | undefined
}

/** A SingleResponse. */
export interface SingleResponseView {
  /** From 1. */
  readonly position: number
  readonly certId: CertIdView
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Of a revoked one. */
  readonly revocationTime?: RawTime
  /** The number of a revoked one's CRLReason, where it is written. */
  readonly reason?: number | undefined
  readonly thisUpdate: RawTime
  readonly nextUpdate: RawTime | undefined
  readonly extensions: readonly RawExtension[] | undefined
}

/** A CertID (RFC 6960 section 4.1.1). */
export interface CertIdView {
  /** Dotted. */
  readonly hashAlgorithm: string
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  /** The INTEGER's content octets. */
  readonly serialNumber: Uint8Array
}

/** Reads an OCSPResponse, up to 64 KiB. @throws PkiError `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE` */
export function readOcspView(der: Uint8Array): OcspView {
  const reader = createDerReader(der, { maxBytes: limitBytes })
  reader.enter(derTag.sequence)
  const responseStatus = reader.enumerated()
  let responseType: string | undefined
  let basic: BasicResponseView | undefined
  if (!reader.atEnd) {
    reader.enter(contextTag(0, true))
    reader.enter(derTag.sequence)
    responseType = reader.objectIdentifier()
    const octets = reader.octetString()
    reader.leave()
    reader.leave()
    if (responseType === idPkixOcspBasic) basic = readBasic(octets)
  }
  reader.leave()
  reader.finish()
  return { responseStatus, responseType, basic }
}

function readBasic(der: Uint8Array): BasicResponseView {
  const reader = createDerReader(der)
  reader.enter(derTag.sequence)
  const data = readResponseData(reader)
  const signatureAlgorithm = reader.element(derTag.sequence)
  if (reader.bitString().unusedBits !== 0) throw reader.error('signature of no whole octets')
  const certificates = reader.atEnd ? undefined : readCertificates(reader)
  reader.leave()
  reader.finish()
  return { ...data, signatureAlgorithm, certificates }
}

function readResponseData(reader: DerReader): Omit<BasicResponseView, 'signatureAlgorithm' | 'certificates'> {
  reader.enter(derTag.sequence)
  let version: number | undefined
  if (reader.peekTag() === contextTag(0, true)) {
    reader.enter(contextTag(0, true))
    version = reader.smallInteger()
    reader.leave()
  }
  const isByName = reader.peekTag() === contextTag(1, true)
  reader.enter(contextTag(isByName ? 1 : 2, true))
  const responderId = isByName ? { byName: reader.element(derTag.sequence) } : { byKey: reader.octetString() }
  reader.leave()
  const producedAt = readRawTime(reader)
  const responses: SingleResponseView[] = []
  reader.enter(derTag.sequence)
  while (!reader.atEnd) responses.push(readSingle(reader, responses.length + 1))
  reader.leave()
  const extensions = readExtensionsUnder(reader, contextTag(1, true))
  reader.leave()
  return { version, responderId, producedAt, responses, extensions }
}

function readSingle(reader: DerReader, position: number): SingleResponseView {
  reader.enter(derTag.sequence)
  const certId = readCertId(reader)
  const status = readStatus(reader)
  const thisUpdate = readRawTime(reader)
  let nextUpdate: RawTime | undefined
  if (reader.peekTag() === contextTag(0, true)) {
    reader.enter(contextTag(0, true))
    nextUpdate = readRawTime(reader)
    reader.leave()
  }
  const extensions = readExtensionsUnder(reader, contextTag(1, true))
  reader.leave()
  return { position, certId, ...status, thisUpdate, nextUpdate, extensions }
}

/** Reads a CertID. @throws PkiError `ERR_PKI_DER` */
export function readCertId(reader: DerReader): CertIdView {
  reader.enter(derTag.sequence)
  reader.enter(derTag.sequence)
  const hashAlgorithm = reader.objectIdentifier()
  if (!reader.atEnd) reader.element()
  reader.leave()
  const issuerNameHash = reader.octetString()
  const issuerKeyHash = reader.octetString()
  const serialNumber = reader.integerOctets()
  reader.leave()
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }
}

function readStatus(reader: DerReader): Pick<SingleResponseView, 'status' | 'revocationTime' | 'reason'> {
  const tag = reader.peekTag()
  if (tag !== contextTag(1, true)) {
    const isGood = tag === contextTag(0, false)
    const content = reader.content(isGood ? tag : contextTag(2, false))
    if (content.length > 0) throw reader.error('null with content')
    return { status: isGood ? 'good' : 'unknown' }
  }
  reader.enter(tag)
  const revocationTime = readRawTime(reader)
  let reason: number | undefined
  if (!reader.atEnd) {
    reader.enter(contextTag(0, true))
    reason = reader.enumerated()
    reader.leave()
  }
  reader.leave()
  return { status: 'revoked', revocationTime, reason }
}

function readExtensionsUnder(reader: DerReader, tag: number): RawExtension[] | undefined {
  if (reader.peekTag() !== tag) return undefined
  reader.enter(tag)
  const extensions = readRawExtensions(reader)
  reader.leave()
  return extensions
}

function readCertificates(reader: DerReader): Uint8Array[] {
  const certificates: Uint8Array[] = []
  reader.enter(contextTag(0, true))
  reader.enter(derTag.sequence)
  while (!reader.atEnd) certificates.push(reader.element(derTag.sequence))
  reader.leave()
  reader.leave()
  return certificates
}
