import { objectIdentifier } from '../der/object-identifier.ts'
import { contextTag, derTag } from '../der/tag.ts'
import { generalizedTime } from '../der/time.ts'
import { context, sequenceOf } from '../der/tlv.ts'
import { octetString } from '../der/writer.ts'
import { reasonNumberOf } from '../extensions/crl-extensions.ts'
import { signatureAlgorithmIdentifier } from '../signature.ts'
import type { CrlReason, SignatureAlgorithm } from '../types.ts'
import { ocspOids } from './ocsp-oids.ts'
import { ocspNonceExtension } from './ocsp-request.ts'

/** What a responder says of a certificate. */
export type OcspCertificateStatus =
  | { readonly certStatus: 'good' | 'unknown' }
  | { readonly certStatus: 'revoked'; readonly revocationDate: Date; readonly reason?: CrlReason }

/** What goes into one response. */
export interface OcspResponseContent {
  /** CertIDs, DER, as the client wrote them, each with its status. At least one. */
  readonly responses: readonly { readonly certId: Uint8Array; readonly status: OcspCertificateStatus }[]
  /** Also producedAt: answers are signed when they are asked for. */
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** 1 to 128 octets, echoed. */
  readonly nonce?: Uint8Array | undefined
}

/** A response that wants its signature. */
export interface OcspResponseDraft {
  /** What is to be signed, DER: a view of the response to be. */
  readonly tbsResponseData: Uint8Array
  /** The whole OCSPResponse, DER. Once: it is written around {@link tbsResponseData}, in place. */
  finish(signature: Uint8Array): Uint8Array
}

/** Writes the responses of one responder. */
export interface OcspResponseWriter {
  draft(content: OcspResponseContent): OcspResponseDraft
}

const basicResponseOid = objectIdentifier(ocspOids.basicResponse)
const timeOctets = 17
/** The headers in front of ResponseData at their longest: OCSPResponse 5, responseStatus 3, [0] 5, ResponseBytes 5, the OID 11, OCTET STRING 5, BasicOCSPResponse 5. */
const headOctets = 39
const statusGood = Uint8Array.of(contextTag(0, false), 0)
const statusUnknown = Uint8Array.of(contextTag(2, false), 0)

/**
 * A writer for one responder: ResponderID byKey (RFC 9919 section 3.2.2), `certificates` sent along, everything that is always the same encoded once.
 * Each response is one allocation: it is laid by hand, without a tree of elements.
 */
export function createOcspResponseWriter(options: {
  readonly signatureAlgorithm: SignatureAlgorithm
  /** SHA-1 of the responder's public key, 20 octets. */
  readonly responderKeyHash: Uint8Array
  /** DER each: the delegate's own; none where the CA itself signs. */
  readonly certificates: readonly Uint8Array[]
}): OcspResponseWriter {
  if (options.responderKeyHash.length !== 20) throw new RangeError('"responderKeyHash" must be 20 octets')
  const algorithm = signatureAlgorithmIdentifier(options.signatureAlgorithm)
  const responderId = context(2, true, octetString(options.responderKeyHash))
  const certificates =
    options.certificates.length === 0 ? new Uint8Array(0) : context(0, true, sequenceOf(options.certificates))
  let signatureRoom = 80
  const encodedTime = timeEncoder()

  return {
    draft({ responses, thisUpdate, nextUpdate, nonce }) {
      if (responses.length === 0) throw new TypeError('"responses" must hold at least one response')
      const now = encodedTime(thisUpdate)
      const next = encodedTime(nextUpdate)
      // "The responder SHOULD NOT include responseExtensions" (RFC 9919 section 3.2.1): none but the nonce that was asked for.
      const extensions = nonce === undefined ? undefined : context(1, true, sequenceOf([ocspNonceExtension(nonce)]))
      let listLength = 0
      for (const response of responses) listLength += elementLength(singleLength(response))
      const dataLength =
        responderId.length + timeOctets + elementLength(listLength) + (extensions === undefined ? 0 : extensions.length)
      const dataEnd = headOctets + elementLength(dataLength)
      const room = dataEnd + algorithm.length + 5 + 1 + signatureRoom + certificates.length
      const bytes = new Uint8Array(room)

      let at = writeHeader(bytes, headOctets, derTag.sequence, dataLength)
      at = write(bytes, at, responderId)
      at = write(bytes, at, now)
      at = writeHeader(bytes, at, derTag.sequence, listLength)
      for (const { certId, status } of responses) {
        at = writeHeader(bytes, at, derTag.sequence, singleLength({ certId, status }))
        at = write(bytes, at, certId)
        at = writeStatus(bytes, at, status)
        at = write(bytes, at, now)
        at = writeHeader(bytes, at, contextTag(0, true), timeOctets)
        at = write(bytes, at, next)
      }
      if (extensions !== undefined) write(bytes, at, extensions)

      return {
        tbsResponseData: bytes.subarray(headOctets, dataEnd),
        finish(signature: Uint8Array): Uint8Array {
          const missing = signature.length - signatureRoom
          if (missing <= 0) return finish(bytes, dataEnd, signature)
          signatureRoom = signature.length
          const larger = new Uint8Array(room + missing)
          larger.set(bytes)
          return finish(larger, dataEnd, signature)
        },
      }
    },
  }

  /** Writes what comes behind ResponseData, then, backwards from it, what comes before it, whose lengths are known only now. */
  function finish(bytes: Uint8Array, dataEnd: number, signature: Uint8Array): Uint8Array {
    let at = write(bytes, dataEnd, algorithm)
    at = writeHeader(bytes, at, derTag.bitString, signature.length + 1)
    bytes[at] = 0
    at = write(bytes, at + 1, signature)
    const end = write(bytes, at, certificates)
    let start = writeHeaderBefore(bytes, headOctets, derTag.sequence, end - headOctets)
    start = writeHeaderBefore(bytes, start, derTag.octetString, end - start)
    start -= basicResponseOid.length
    bytes.set(basicResponseOid, start)
    start = writeHeaderBefore(bytes, start, derTag.sequence, end - start)
    start = writeHeaderBefore(bytes, start, contextTag(0, true), end - start)
    // responseStatus: successful.
    start -= 3
    bytes[start] = derTag.enumerated
    bytes[start + 1] = 1
    bytes[start + 2] = 0
    start = writeHeaderBefore(bytes, start, derTag.sequence, end - start)
    return bytes.subarray(start, end)
  }
}

type Single = OcspResponseContent['responses'][number]

function singleLength({ certId, status }: Single): number {
  return certId.length + statusLength(status) + timeOctets + 2 + timeOctets
}

/** The reason `unspecified` is left out, as in CRLs: "SHOULD be absent instead" (RFC 5280 section 5.3.1). */
function statusLength(status: OcspCertificateStatus): number {
  if (status.certStatus !== 'revoked') return 2
  return 2 + timeOctets + (status.reason === undefined || status.reason === 'unspecified' ? 0 : 5)
}

function writeStatus(bytes: Uint8Array, at: number, status: OcspCertificateStatus): number {
  if (status.certStatus !== 'revoked') {
    return write(bytes, at, status.certStatus === 'good' ? statusGood : statusUnknown)
  }
  let next = writeHeader(bytes, at, contextTag(1, true), statusLength(status) - 2)
  next = write(bytes, next, generalizedTime(status.revocationDate))
  if (status.reason === undefined || status.reason === 'unspecified') return next
  next = writeHeader(bytes, next, contextTag(0, true), 3)
  bytes[next] = derTag.enumerated
  bytes[next + 1] = 1
  bytes[next + 2] = reasonNumberOf(status.reason)
  return next + 3
}

/** GeneralizedTime; the last two moments are kept, for all answers of a second have the same. */
function timeEncoder(): (date: Date) => Uint8Array {
  let newest: { readonly time: number; readonly encoded: Uint8Array } | undefined
  let older: typeof newest
  return date => {
    const time = date.getTime()
    if (newest?.time === time) return newest.encoded
    if (older?.time === time) return older.encoded
    older = newest
    newest = { time, encoded: generalizedTime(date) }
    return newest.encoded
  }
}

function write(bytes: Uint8Array, at: number, octets: Uint8Array): number {
  bytes.set(octets, at)
  return at + octets.length
}

function elementLength(contentLength: number): number {
  return headerLength(contentLength) + contentLength
}

function headerLength(contentLength: number): number {
  if (contentLength < 0x80) return 2
  if (contentLength < 0x100) return 3
  return contentLength < 0x1_0000 ? 4 : 5
}

function writeHeader(bytes: Uint8Array, at: number, tag: number, contentLength: number): number {
  const length = headerLength(contentLength)
  bytes[at] = tag
  if (length === 2) {
    bytes[at + 1] = contentLength
    return at + 2
  }
  bytes[at + 1] = 0x80 | (length - 2)
  for (let index = at + length - 1, rest = contentLength; index > at + 1; index--, rest >>>= 8)
    bytes[index] = rest & 0xff
  return at + length
}

/** A header that ends at `end`; where it begins. */
function writeHeaderBefore(bytes: Uint8Array, end: number, tag: number, contentLength: number): number {
  const start = end - headerLength(contentLength)
  writeHeader(bytes, start, tag, contentLength)
  return start
}
