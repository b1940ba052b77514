import { createPublicKey, verify } from 'node:crypto'
import { type Certificate, parseCertificate } from '../certificate.ts'
import { extendedKeyUsageOids, extensionOids } from '../extensions/extension-oids.ts'
import { keyIdentifierOf } from '../extensions/key-identifier.ts'
import { isPkiError, PkiError } from '../pki-error.ts'
import { parsePublicKey } from '../public-key.ts'
import { isCheap, verifySignature } from '../signature.ts'
import type { SignatureAlgorithm } from '../types.ts'
import { isCertIdOf } from './cert-id.ts'
import type { BasicOcspResponse, FailedOcspResponse, SingleOcspResponse } from './ocsp-response.ts'

/** What an OCSP response is held against. */
export interface VerifyOcspResponseOptions {
  /** The CA that issued the certificate. Its own chain is the caller's business. */
  readonly issuer: Certificate
  /** Lower-case hex, as in `Certificate`. */
  readonly serialNumber: string
  /** Now. */
  readonly at: Date
  /** What was asked with: the response must have the same. */
  readonly nonce?: Uint8Array
  /** How far the responder's clock and ours may be apart. Default 0. */
  readonly clockToleranceSeconds?: number
  /** Also believes RSA signatures over SHA-1, and by delegates with RSA keys below 2048 bits, for archives. Default false. */
  readonly allowSha1?: boolean
}

/** More are not tried: each costs a verification. */
const maxDelegates = 4
const sha1WithRsa = '1.2.840.113549.1.1.5'
/** Critical ones that are judged here; anything else that is critical speaks against a delegate. */
const understood: ReadonlySet<string> = new Set([
  extensionOids.keyUsage,
  extensionOids.extendedKeyUsage,
  extensionOids.basicConstraints,
  extensionOids.subjectAltName,
  extensionOids.ocspNoCheck,
])

/**
 * What a response says of one certificate, once all that RFC 6960 section 3.2 and RFC 9919 section 4 ask for holds: it names that certificate; it is signed by the issuer, or by a responder that the
 * issuer certified directly for OCSPSigning; the time lies between thisUpdate and nextUpdate, both there; no critical extension is unknown. The answer may be any of `good`, `revoked` and `unknown`.
 *
 * A delegate's own revocation is not asked for: its certificate is short-lived and says id-pkix-ocsp-nocheck, or its CA does not mind.
 *
 * @throws PkiError `ERR_PKI_OCSP_REFUSED`, `ERR_PKI_OCSP_RESPONSE`, `ERR_PKI_OCSP_SIGNATURE`, `ERR_PKI_OCSP_STALE`, `ERR_PKI_OCSP_MISMATCH`
 */
export function verifyOcspResponse(
  response: BasicOcspResponse | FailedOcspResponse,
  options: VerifyOcspResponseOptions,
): SingleOcspResponse {
  if (typeof response?.status !== 'string') throw new TypeError('"response" must be what parseOcspResponse returned')
  if (Number.isNaN(options.at.getTime())) throw new RangeError('"at" must be a date')
  if (response.status !== 'successful') throw new PkiError('ERR_PKI_OCSP_REFUSED', { status: response.status })
  if (response.unhandledCriticalExtensions.length > 0) {
    throw new PkiError('ERR_PKI_OCSP_RESPONSE', { reason: 'a critical extension that is not known' })
  }
  const { nonce } = options
  if (nonce !== undefined && (response.nonce === undefined || Buffer.compare(response.nonce, nonce) !== 0)) {
    throw mismatch('the nonce is missing or another one')
  }
  // Before any signature is looked at: what does not speak of the certificate need not be believed.
  const single = findSingle(response, options)
  checkCurrent(response, single, options)
  checkSigner(response, options)
  return single
}

/** One that says `revoked` outweighs the others: a response may hold two for one certificate, of two hashes. */
function findSingle(response: BasicOcspResponse, options: VerifyOcspResponseOptions): SingleOcspResponse {
  const about = response.responses.filter(({ certId }) => certId.serialNumber === options.serialNumber)
  // The hashes of the issuer are the same for all: one comparison for each way to write them.
  const judged = new Map<string, boolean>()
  const found = about.filter(({ certId }) => {
    const key = Buffer.from(certId.issuer).toString('latin1')
    let isIssuer = judged.get(key)
    if (isIssuer === undefined) {
      isIssuer = judged.size < maxDelegates && isCertIdOf(certId, options.issuer)
      judged.set(key, isIssuer)
    }
    return isIssuer
  })
  const single = found.find(({ certStatus }) => certStatus === 'revoked') ?? found[0]
  if (single === undefined) throw mismatch('it does not speak of this certificate of this issuer')
  return single
}

function checkCurrent(
  { producedAt }: BasicOcspResponse,
  { thisUpdate, nextUpdate }: SingleOcspResponse,
  { at, clockToleranceSeconds = 0 }: VerifyOcspResponseOptions,
): void {
  const latest = at.getTime() + clockToleranceSeconds * 1000
  const earliest = at.getTime() - clockToleranceSeconds * 1000
  if (thisUpdate.getTime() > latest || producedAt.getTime() > latest) throw stale('it is from the future')
  // RFC 9919 section 4: without nextUpdate it would be good for ever.
  if (nextUpdate === undefined) throw stale('it does not say until when it may be relied on')
  if (nextUpdate.getTime() < thisUpdate.getTime()) throw stale('it ends before it begins')
  if (nextUpdate.getTime() < earliest) throw stale('nextUpdate is over')
}

function checkSigner(response: BasicOcspResponse, options: VerifyOcspResponseOptions): void {
  const { issuer, allowSha1 = false } = options
  const signed = (signer: Certificate): boolean =>
    isSignedBy(
      signer.subjectPublicKeyInfo,
      response.signatureAlgorithm,
      response.signatureAlgorithmOid,
      response.tbsResponseData,
      response.signature,
      allowSha1,
    )
  if (isResponder(response, issuer)) {
    if (signed(issuer)) return
    throw unsigned('the signature is not that of the issuer')
  }
  let tried = 0
  for (const der of response.certificates) {
    const delegate = readDelegate(der)
    if (delegate === undefined || !isResponder(response, delegate)) continue
    tried += 1
    if (tried > maxDelegates) break
    const reason = whyNotAuthorized(delegate, options)
    if (reason !== undefined) throw unsigned(reason)
    if (signed(delegate)) return
  }
  throw unsigned(tried === 0 ? 'the responder is neither the issuer nor sent along' : 'the signature does not verify')
}

/** byKey is the "SHA-1 hash of responder's public key", byName its subject (RFC 6960 section 4.2.1). */
function isResponder({ responderId }: BasicOcspResponse, signer: Certificate): boolean {
  return 'byKey' in responderId
    ? Buffer.compare(responderId.byKey, keyIdentifierOf(signer.subjectPublicKeyInfo)) === 0
    : Buffer.compare(responderId.byName, signer.subjectDer) === 0
}

/** What else comes along is a stranger's: unreadable ones are no delegates. */
function readDelegate(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der)
  } catch (error) {
    if (isPkiError(error)) return undefined
    throw error
  }
}

/** With id-kp-OCSPSigning, and "This certificate MUST be issued directly by the CA that is identified in the request" (RFC 6960 section 4.2.2.2). */
function whyNotAuthorized(
  delegate: Certificate,
  { issuer, at, allowSha1 = false }: VerifyOcspResponseOptions,
): string | undefined {
  if (Buffer.compare(delegate.issuerDer, issuer.subjectDer) !== 0) return 'the issuer did not certify the responder'
  if (!delegate.extendedKeyUsage?.includes(extendedKeyUsageOids.ocspSigning)) {
    return 'the responder is not certified for OCSPSigning'
  }
  if (delegate.keyUsage !== undefined && !delegate.keyUsage.includes('digitalSignature')) {
    return "the responder's key is not for signatures"
  }
  if (delegate.extensions.some(({ oid, critical }) => critical && !understood.has(oid))) {
    return "a critical extension of the responder's certificate is not known"
  }
  if (!allowSha1 && isTooShort(delegate)) return "the responder's key is too short"
  const time = at.getTime()
  // notAfter is inclusive, in whole seconds (RFC 5280 section 4.1.2.5).
  if (time < delegate.notBefore.getTime() || time >= delegate.notAfter.getTime() + 1000) {
    return "the responder's certificate is not valid at that time"
  }
  const algorithm = Buffer.compare(delegate.outerSignatureAlgorithm, delegate.tbsSignatureAlgorithm)
  const isSigned =
    algorithm === 0 &&
    isSignedBy(
      issuer.subjectPublicKeyInfo,
      delegate.signatureAlgorithm,
      delegate.signatureAlgorithmOid,
      delegate.tbsCertificate,
      delegate.signature,
      allowSha1,
    )
  return isSigned ? undefined : "the signature on the responder's certificate is not that of the issuer"
}

/** What anybody can factor, speaks for nobody. The issuer's own key is judged with its chain. */
function isTooShort({ publicKey }: Certificate): boolean {
  return publicKey.type === 'rsa' && publicKey.modulusBits < 2048
}

function isSignedBy(
  spki: Uint8Array,
  algorithm: SignatureAlgorithm | undefined,
  oid: string,
  message: Uint8Array,
  signature: Uint8Array,
  allowSha1: boolean,
): boolean {
  if (algorithm !== undefined) return verifySignature(algorithm, spki, message, signature)
  return allowSha1 && oid === sha1WithRsa && isSignedWithSha1(spki, message, signature)
}

function isSignedWithSha1(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    if (!isCheap(parsePublicKey(spki))) return false
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'rsa' && verify('sha1', message, key, signature)
  } catch {
    // The crypto library's errors have no common shape.
    return false
  }
}

function mismatch(reason: string): PkiError<'ERR_PKI_OCSP_MISMATCH'> {
  return new PkiError('ERR_PKI_OCSP_MISMATCH', { reason })
}

function stale(reason: string): PkiError<'ERR_PKI_OCSP_STALE'> {
  return new PkiError('ERR_PKI_OCSP_STALE', { reason })
}

function unsigned(reason: string): PkiError<'ERR_PKI_OCSP_SIGNATURE'> {
  return new PkiError('ERR_PKI_OCSP_SIGNATURE', { reason })
}
