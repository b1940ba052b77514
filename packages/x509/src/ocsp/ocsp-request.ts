import { objectIdentifier } from '../der/object-identifier.ts'
import { createDerReader, type DerReader } from '../der/reader.ts'
import { contextTag, derTag } from '../der/tag.ts'
import { context, sequence, sequenceOf } from '../der/tlv.ts'
import { octetString } from '../der/writer.ts'
import { readExtensions } from '../extensions/extension.ts'
import { readGeneralName } from '../extensions/general-name.ts'
import { PkiError } from '../pki-error.ts'
import type { Extension } from '../types.ts'
import { type OcspCertId, readCertId } from './cert-id.ts'
import { ocspOids } from './ocsp-oids.ts'

const nonceOid = objectIdentifier(ocspOids.nonce)
const limitBytes = 16 * 1024
/** RFC 9919 section 3.1.1 wants one; stapling servers ask for their whole chain, people for a handful. */
const maxCertIds = 100

/** What an OCSPRequest (RFC 6960 section 4.1.1) asks. All octet arrays are views of the input. */
export interface OcspRequest {
  /** In order, one to 100; the same may come twice. */
  readonly certIds: readonly OcspCertId[]
  /** 1 to 128 octets, to be echoed (RFC 9654). */
  readonly nonce?: Uint8Array | undefined
}

/**
 * Reads an OCSP request, DER, up to 16 KiB and 100 CertIDs, in linear time. requestorName and optionalSignature may be there and are ignored: everybody may ask.
 * What cannot be answered as it was asked is refused: a critical extension that is not known, and a nonce of another length than 1 to 128 octets.
 *
 * @throws PkiError `ERR_PKI_OCSP_REQUEST`, `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE`
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  const reader = createDerReader(der, { maxBytes: limitBytes })
  reader.enter(derTag.sequence)
  const request = readTbsRequest(reader)
  // "the requestor MAY choose to sign the OCSP request" (RFC 6960 section 4.1.2). Whose signature it is changes no answer.
  if (reader.peekTag() === contextTag(0, true)) reader.element()
  reader.leave()
  reader.finish()
  return request
}

/**
 * OCSPRequest (RFC 6960 section 4.1.1) of encoded CertIDs. RFC 9919 wants one of them and no extension; a nonce, of 32 octets or more (RFC 9654 section 2.1),
 * is for those who would rather not be answered from a cache.
 */
export function encodeOcspRequest(
  certIds: readonly Uint8Array[],
  { nonce }: { readonly nonce?: Uint8Array } = {},
): Uint8Array {
  if (certIds.length === 0) throw new TypeError('"certIds" must hold at least one CertID')
  if (nonce !== undefined && !isNonce(nonce)) throw new RangeError('"nonce" must be 1 to 128 octets')
  const requestList = sequenceOf(certIds.map(certId => sequence(certId)))
  if (nonce === undefined) return sequence(sequence(requestList))
  return sequence(sequence(requestList, context(2, true, sequence(ocspNonceExtension(nonce)))))
}

/** Nonce, whole Extension, not critical: an OCTET STRING inside extnValue (RFC 9654 section 2.1). */
export function ocspNonceExtension(nonce: Uint8Array): Uint8Array {
  return sequence(nonceOid, octetString(octetString(nonce)))
}

function readTbsRequest(reader: DerReader): OcspRequest {
  reader.enter(derTag.sequence)
  // v1 is the DEFAULT, so it is not written (X.690 section 11.5), and there is no other version.
  if (reader.peekTag() === contextTag(0, true)) throw malformed('a version other than 1')
  if (reader.peekTag() === contextTag(1, true)) {
    reader.enter(contextTag(1, true))
    readGeneralName(reader)
    reader.leave()
  }
  const certIds: OcspCertId[] = []
  reader.enter(derTag.sequence)
  while (!reader.atEnd) {
    if (certIds.length === maxCertIds) throw malformed(`more than ${maxCertIds} certificates`)
    reader.enter(derTag.sequence)
    certIds.push(readCertId(reader))
    if (!reader.atEnd) readSingleExtensions(reader)
    reader.leave()
  }
  reader.leave()
  if (certIds.length === 0) throw malformed('no certificate')
  const nonce = reader.atEnd ? undefined : readNonce(readTagged(reader, 2))
  reader.leave()
  return { certIds, nonce }
}

function readTagged(reader: DerReader, tagNumber: number): readonly Extension[] {
  reader.enter(contextTag(tagNumber, true))
  const extensions = readExtensions(reader, { strict: false })
  reader.leave()
  return extensions
}

/** serviceLocator is for responders that pass requests on; none is needed here, and none may be needed. */
function readSingleExtensions(reader: DerReader): void {
  for (const { critical } of readTagged(reader, 0)) if (critical) throw unknownCritical()
}

function readNonce(extensions: readonly Extension[]): Uint8Array | undefined {
  let nonce: Uint8Array | undefined
  for (const { oid, critical, value } of extensions) {
    if (oid === ocspOids.nonce) nonce = parseOcspNonce(value)
    // "Unrecognized extensions MUST be ignored (unless they have the critical flag set and are not understood)" (RFC 6960 section 4.4).
    // acceptableResponses is understood: whatever it lists, every client takes a basic response (section 4.2.1).
    else if (critical && oid !== ocspOids.acceptableResponses) throw unknownCritical()
  }
  return nonce
}

/** RFC 9654 section 2.1: one of 0 octets, or of more than 128, is answered with malformedRequest. @internal */
export function parseOcspNonce(value: Uint8Array): Uint8Array {
  const reader = createDerReader(value)
  const nonce = reader.octetString()
  reader.finish()
  if (!isNonce(nonce)) throw malformed('a nonce of 0 or more than 128 octets')
  return nonce
}

function isNonce(nonce: Uint8Array): boolean {
  return nonce.length >= 1 && nonce.length <= 128
}

function unknownCritical(): PkiError<'ERR_PKI_OCSP_REQUEST'> {
  return malformed('a critical extension that is not known')
}

function malformed(reason: string): PkiError<'ERR_PKI_OCSP_REQUEST'> {
  return new PkiError('ERR_PKI_OCSP_REQUEST', { reason })
}
