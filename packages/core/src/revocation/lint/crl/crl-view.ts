import { type DistinguishedName, parseName } from '@fleetcert/x509'
import { contextTag, createDerReader, derTag } from '@fleetcert/x509/der'
import { type RawExtension, readRawExtensions } from '../raw-extension.ts'
import { readWhole } from '../raw-fields.ts'
import { isTimeTag, type RawTime, readRawTime } from '../raw-time.ts'
import { type Frame, frameAt, frameOf, malformed, type OctetParts } from './octet-parts.ts'

/** A TBSCertList (RFC 5280 section 5.1.2) as it stands. DER throughout; apart from that nothing is refused that a rule could name. */
export interface CrlView {
  /** The content of the version field, `undefined` without one: version 1. */
  readonly version: number | undefined
  /** The AlgorithmIdentifier inside. */
  readonly signatureAlgorithm: Uint8Array
  /** The AlgorithmIdentifier beside TBSCertList; absent before there is a signature. */
  readonly outerSignatureAlgorithm?: Uint8Array
  /** Of signatureValue, a BIT STRING; absent before there is a signature. */
  readonly unusedSignatureBits?: number
  readonly issuer: DistinguishedName
  readonly issuerDer: Uint8Array
  readonly thisUpdate: RawTime
  readonly nextUpdate: RawTime | undefined
  /** revokedCertificates; `undefined` where it is absent. */
  readonly revokedCertificates: Frame | undefined
  /** crlExtensions; `undefined` where it is absent. */
  readonly extensions: readonly RawExtension[] | undefined
}

/** One entry of revokedCertificates. */
export interface CrlEntryView {
  /** From 1. */
  readonly position: number
  /** The INTEGER's content octets. */
  readonly serialNumber: Uint8Array
  readonly revocationDate: RawTime
  /** `undefined`: none are written. */
  readonly extensions: readonly RawExtension[] | undefined
}

/** Reads a CertificateList. @throws PkiError `ERR_PKI_DER` */
export function readCertificateList(octets: OctetParts): CrlView {
  const list = frameOf(derTag.sequence, octets, 0, octets.length)
  if (list.end !== octets.length) throw malformed(list.end, 'octets behind the end')
  const tbs = frameOf(derTag.sequence, octets, list.content, list.end)
  const algorithm = frameOf(derTag.sequence, octets, tbs.end, list.end)
  const signature = createDerReader(octets.slice(algorithm.end, list.end))
  const { unusedBits } = signature.bitString()
  signature.finish()
  const outer = createDerReader(octets.slice(algorithm.start, algorithm.end)).element()
  return { ...readTbs(octets, tbs), outerSignatureAlgorithm: outer, unusedSignatureBits: unusedBits }
}

/** Reads a TBSCertList. @throws PkiError `ERR_PKI_DER` */
export function readTbsCertList(octets: OctetParts): CrlView {
  const tbs = frameOf(derTag.sequence, octets, 0, octets.length)
  if (tbs.end !== octets.length) throw malformed(tbs.end, 'octets behind the end')
  return readTbs(octets, tbs)
}

function readTbs(octets: OctetParts, tbs: Frame): CrlView {
  let at = tbs.content
  const next = (): Frame => {
    const frame = frameAt(octets, at, tbs.end)
    at = frame.end
    return frame
  }
  const der = ({ start, end }: Frame): Uint8Array => octets.slice(start, end)
  const peek = (): number | undefined => (at < tbs.end ? octets.slice(at, at + 1)[0] : undefined)
  const time = (): RawTime => {
    const element = der(next())
    const read = readWhole(element, readRawTime)
    if (read === undefined) throw malformed(at - element.length, 'expected a time')
    return read
  }
  const version = peek() === derTag.integer ? createDerReader(der(next())).smallInteger() : undefined
  const signatureAlgorithm = der(next())
  const issuerDer = der(next())
  const issuer = parseName(issuerDer)
  const thisUpdate = time()
  const nextUpdate = isTimeTag(peek()) ? time() : undefined
  const revokedCertificates = peek() === derTag.sequence ? next() : undefined
  const extensions = peek() === contextTag(0, true) ? readListExtensions(der(next())) : undefined
  if (at !== tbs.end) throw malformed(at, 'unexpected element')
  return { version, signatureAlgorithm, issuer, issuerDer, thisUpdate, nextUpdate, revokedCertificates, extensions }
}

function readListExtensions(der: Uint8Array): RawExtension[] {
  const reader = createDerReader(der, { maxBytes: der.length })
  reader.enter(contextTag(0, true))
  const extensions = readRawExtensions(reader)
  reader.leave()
  return extensions
}

/** Reads one entry. @throws PkiError `ERR_PKI_DER` */
export function readEntry(der: Uint8Array, position: number): CrlEntryView {
  const reader = createDerReader(der, { maxBytes: der.length })
  reader.enter(derTag.sequence)
  const serialNumber = reader.integerOctets()
  const revocationDate = readRawTime(reader)
  const extensions = reader.atEnd ? undefined : readRawExtensions(reader)
  reader.leave()
  return { position, serialNumber, revocationDate, extensions }
}
