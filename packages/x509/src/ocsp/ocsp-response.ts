import { createDerReader, type DerReader } from '../der/reader.ts'
import { contextTag, derTag } from '../der/tag.ts'
import { reasonNameOf } from '../extensions/crl-extensions.ts'
import { findExtension, readExtensions } from '../extensions/extension.ts'
import { readName } from '../name.ts'
import { PkiError } from '../pki-error.ts'
import { readSignatureAlgorithm } from '../signature.ts'
import type { CrlReason, Extension, SignatureAlgorithm } from '../types.ts'
import { type OcspCertId, readCertId } from './cert-id.ts'
import { ocspOids } from './ocsp-oids.ts'
import { parseOcspNonce } from './ocsp-request.ts'
import { type OcspResponseStatus, statusNames } from './response-status.ts'

const limitBytes = 64 * 1024
const maxCertificates = 16

/** What a responder says of one certificate (RFC 6960 section 4.2.1). */
export interface SingleOcspResponse {
  readonly certId: OcspCertId
  /** `good` says no more than that it is not revoked; of a careless responder not even that it was issued (RFC 6960 section 2.2). */
  readonly certStatus: 'good' | 'revoked' | 'unknown'
  /** Of revoked ones. */
  readonly revocationDate?: Date | undefined
  /** Of revoked ones; absent means `unspecified`. */
  readonly reason?: CrlReason | undefined
  /** When it was known to be so. */
  readonly thisUpdate: Date
  /** Until when it may be relied on. */
  readonly nextUpdate?: Date | undefined
  /** In order, none twice. */
  readonly extensions: readonly Extension[]
}

/** What a BasicOCSPResponse (RFC 6960 section 4.2.1) says. All octet arrays are views of the input. */
export interface BasicOcspResponse {
  readonly status: 'successful'
  /** The whole OCSPResponse. */
  readonly der: Uint8Array
  /** What is signed, DER. */
  readonly tbsResponseData: Uint8Array
  /** By which of its names the signer goes: SHA-1 of its public key, or its subject, DER. */
  readonly responderId: { readonly byKey: Uint8Array } | { readonly byName: Uint8Array }
  /** When it was signed. */
  readonly producedAt: Date
  /** In order, at least one. */
  readonly responses: readonly SingleOcspResponse[]
  /** Of the response, in order, none twice. */
  readonly extensions: readonly Extension[]
  /** RFC 9654. */
  readonly nonce?: Uint8Array | undefined
  /** OIDs of critical extensions that are not interpreted here. Unless it is empty, the response must not be relied on. */
  readonly unhandledCriticalExtensions: readonly string[]
  /** What the responder sent along, DER each, at most 16. Not read: they are its word alone. */
  readonly certificates: readonly Uint8Array[]
  /** `undefined`: not supported. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined
  /** Dotted. */
  readonly signatureAlgorithmOid: string
  /** The octets of the BIT STRING. */
  readonly signature: Uint8Array
}

/** A response that says why there is none. It is not signed: anybody on the way may have made it. */
export interface FailedOcspResponse {
  readonly status: Exclude<OcspResponseStatus, 'successful'>
  /** The whole OCSPResponse. */
  readonly der: Uint8Array
}

/**
 * Reads an OCSP response, DER, up to 64 KiB, in linear time. The structure is checked strictly; nothing is verified, neither signature nor currency: that is `verifyOcspResponse`.
 *
 * @throws PkiError `ERR_PKI_OCSP_RESPONSE`, `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE`
 */
export function parseOcspResponse(der: Uint8Array): BasicOcspResponse | FailedOcspResponse {
  const reader = createDerReader(der, { maxBytes: limitBytes })
  reader.enter(derTag.sequence)
  const status = statusNames.get(reader.enumerated())
  if (status === undefined) throw malformed('a status that RFC 6960 does not have')
  if (status !== 'successful') {
    // "If the value of responseStatus is one of the error conditions, the responseBytes field is not set" (section 4.2.1).
    reader.leave()
    reader.finish()
    return { status, der }
  }
  if (reader.atEnd) throw malformed('successful and without an answer')
  reader.enter(contextTag(0, true))
  reader.enter(derTag.sequence)
  if (reader.objectIdentifier() !== ocspOids.basicResponse) throw malformed('not a basic response')
  const basic = readBasicResponse(reader.octetString())
  reader.leave()
  reader.leave()
  reader.leave()
  reader.finish()
  return { status, der, ...basic }
}

function readBasicResponse(bytes: Uint8Array): Omit<BasicOcspResponse, 'status' | 'der'> {
  const reader = createDerReader(bytes, { maxBytes: limitBytes })
  reader.enter(derTag.sequence)
  const data = readResponseData(reader)
  const { oid, algorithm } = readSignatureAlgorithm(reader)
  const { octets: signature, unusedBits } = reader.bitString()
  if (unusedBits !== 0) throw malformed('signature of no whole octets')
  const certificates = reader.atEnd ? [] : readCertificates(reader)
  reader.leave()
  reader.finish()
  return { ...data, certificates, signatureAlgorithm: algorithm, signatureAlgorithmOid: oid, signature }
}

function readCertificates(reader: DerReader): Uint8Array[] {
  const certificates: Uint8Array[] = []
  reader.enter(contextTag(0, true))
  reader.enter(derTag.sequence)
  while (!reader.atEnd) {
    if (certificates.length === maxCertificates) throw malformed(`more than ${maxCertificates} certificates`)
    certificates.push(reader.element(derTag.sequence))
  }
  reader.leave()
  reader.leave()
  return certificates
}

function readResponseData(reader: DerReader) {
  const unhandled = new Set<string>()
  const start = reader.offset
  reader.enter(derTag.sequence)
  // v1 is the DEFAULT, so it is not written (X.690 section 11.5), and there is no other version.
  if (reader.peekTag() === contextTag(0, true)) throw malformed('a version other than 1')
  const responderId = readResponderId(reader)
  const producedAt = reader.generalizedTime()
  const responses: SingleOcspResponse[] = []
  reader.enter(derTag.sequence)
  while (!reader.atEnd) responses.push(readSingleResponse(reader, unhandled))
  reader.leave()
  if (responses.length === 0) throw malformed('an answer about no certificate')
  const extensions = reader.atEnd ? [] : readTagged(reader, unhandled)
  reader.leave()
  return {
    tbsResponseData: reader.slice(start, reader.offset),
    responderId,
    producedAt,
    responses,
    extensions,
    nonce: findExtension(extensions, ocspOids.nonce, parseOcspNonce),
    unhandledCriticalExtensions: [...unhandled],
  }
}

function readResponderId(reader: DerReader): BasicOcspResponse['responderId'] {
  if (reader.peekTag() === contextTag(1, true)) {
    reader.enter(contextTag(1, true))
    const start = reader.offset
    readName(reader, { strict: false })
    const byName = reader.slice(start, reader.offset)
    reader.leave()
    return { byName }
  }
  reader.enter(contextTag(2, true))
  const byKey = reader.octetString()
  if (byKey.length !== 20) throw malformed('a ResponderID that is no SHA-1 hash')
  reader.leave()
  return { byKey }
}

function readSingleResponse(reader: DerReader, unhandled: Set<string>): SingleOcspResponse {
  reader.enter(derTag.sequence)
  const certId = readCertId(reader)
  const status = readCertStatus(reader)
  const thisUpdate = reader.generalizedTime()
  let nextUpdate: Date | undefined
  if (reader.peekTag() === contextTag(0, true)) {
    reader.enter(contextTag(0, true))
    nextUpdate = reader.generalizedTime()
    reader.leave()
  }
  const extensions = reader.atEnd ? [] : readTagged(reader, unhandled)
  reader.leave()
  return { certId, ...status, thisUpdate, nextUpdate, extensions }
}

function readCertStatus(reader: DerReader): Pick<SingleOcspResponse, 'certStatus' | 'revocationDate' | 'reason'> {
  const tag = reader.peekTag()
  if (tag === contextTag(0, false) || tag === contextTag(2, false)) {
    if (reader.content(tag).length !== 0) throw reader.error('null with content')
    return { certStatus: tag === contextTag(0, false) ? 'good' : 'unknown' }
  }
  reader.enter(contextTag(1, true))
  const revocationDate = reader.generalizedTime()
  let reason: CrlReason | undefined
  if (!reader.atEnd) {
    reader.enter(contextTag(0, true))
    reason = reasonNameOf(reader.enumerated())
    if (reason === undefined) throw reader.error('unknown reason')
    reader.leave()
  }
  reader.leave()
  return { certStatus: 'revoked', revocationDate, reason }
}

function readTagged(reader: DerReader, unhandled: Set<string>): Extension[] {
  reader.enter(contextTag(1, true))
  const extensions = readExtensions(reader, { strict: false })
  reader.leave()
  for (const { oid, critical } of extensions) if (critical && oid !== ocspOids.nonce) unhandled.add(oid)
  return extensions
}

function malformed(reason: string): PkiError<'ERR_PKI_OCSP_RESPONSE'> {
  return new PkiError('ERR_PKI_OCSP_RESPONSE', { reason })
}
