import { objectIdentifier } from './der/object-identifier.ts'
import { createDerReader, type DerReader } from './der/reader.ts'
import { contextTag, derTag } from './der/tag.ts'
import { compareEncodings, context, sequence, set } from './der/tlv.ts'
import { bitString, integer } from './der/writer.ts'
import { decodeString, stringEncodingOf } from './directory-string.ts'
import { readRequestedExtensions } from './extensions/requested-extensions.ts'
import { subjectAltName } from './extensions/subject-alt-name.ts'
import { derOf } from './input.ts'
import { encodeName, readName } from './name.ts'
import { PkiError } from './pki-error.ts'
import { readPublicKey } from './public-key.ts'
import { isCheap, readSignatureAlgorithm, signatureAlgorithmIdentifier, verifyByKey } from './signature.ts'
import type {
  DistinguishedName,
  Extension,
  GeneralName,
  IoOptions,
  MessageSigner,
  PublicKeyInfo,
  SignatureAlgorithm,
} from './types.ts'

const limitBytes = 16 * 1024
const labels = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']

const oidChallengePassword = '1.2.840.113549.1.9.7'
const oidExtensionRequest = '1.2.840.113549.1.9.14'
/** Microsoft's own number for the same (szOID_CERT_EXTENSIONS). */
const oidMicrosoftExtensionRequest = '1.3.6.1.4.1.311.2.1.14'
/** pkcs-9-ub-challengePassword (RFC 2985 appendix A). */
const maxChallengePasswordLength = 255
/** Bounds the work beside the size limit; honest requests have a handful. */
const maxAttributes = 32

/** An attribute of a certification request (RFC 2986 section 4.1). */
export interface CertificationRequestAttribute {
  /** Dotted. */
  readonly oid: string
  /** Each a whole element, DER. Exactly one in what {@link parseCertificationRequest} accepts. */
  readonly values: readonly Uint8Array[]
}

/** What a PKCS #10 request (RFC 2986) says. All octet arrays are views of the input. */
export interface CertificationRequest {
  /** The whole request. */
  readonly der: Uint8Array
  /** What is signed, DER. */
  readonly certificationRequestInfo: Uint8Array
  /** Whom the requester says to be; may be empty. */
  readonly subject: DistinguishedName
  /** The same as its octets. */
  readonly subjectDer: Uint8Array
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array
  /** What `subjectPublicKeyInfo` says. */
  readonly publicKey: PublicKeyInfo
  /** With which it says to be signed; that it fits the key is part of {@link verifyCertificationRequest}. */
  readonly signatureAlgorithm: SignatureAlgorithm
  /** The octets of the BIT STRING. */
  readonly signature: Uint8Array
  /** In order, none twice. */
  readonly attributes: readonly CertificationRequestAttribute[]
  /** What the requester would like; a wish, never copied unseen. */
  readonly requestedExtensions: readonly Extension[]
  /** The names of the requested SubjectAltName. */
  readonly requestedSubjectAltName?: readonly GeneralName[] | undefined
  /** A secret between requester and CA (RFC 2985 section 5.4.1). */
  readonly challengePassword?: string | undefined
}

/**
 * Reads a certification request: DER, or PEM with one `CERTIFICATE REQUEST` (or `NEW CERTIFICATE REQUEST`) block, up to 16 KiB, in linear time. Strict DER, without exception.
 * The signature is not checked: see {@link verifyCertificationRequest}.
 *
 * Refused beside malformed DER: another version than 0, missing attributes field, an attribute twice, with several values, or out of order, a malformed challengePassword, extension or subject,
 * an extension twice or of an unknown kind, unsupported signature algorithms (`ERR_PKI_ALGORITHM`). Whether the key is good enough is for the caller's policy.
 *
 * @throws PkiError `ERR_PKI_CSR`, `ERR_PKI_DER`, `ERR_PKI_NAME`, `ERR_PKI_ALGORITHM`, `ERR_PKI_CERTIFICATE` (malformed key), `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`
 */
export function parseCertificationRequest(input: Uint8Array | string): CertificationRequest {
  const der = derOf(input, { labels, limitBytes })
  const reader = createDerReader(der)
  reader.enter(derTag.sequence)
  const infoStart = reader.offset
  reader.enter(derTag.sequence)
  if (reader.smallInteger() !== 0) throw refused('version is not 1 (0)')
  const subjectStart = reader.offset
  const subject = readName(reader, { strict: true })
  const keyStart = reader.offset
  const publicKey = readPublicKey(reader)
  const keyEnd = reader.offset
  const attributes = readAttributes(reader)
  reader.leave()
  const infoEnd = reader.offset
  const { oid, algorithm } = readSignatureAlgorithm(reader)
  if (algorithm === undefined) throw new PkiError('ERR_PKI_ALGORITHM', { algorithm: oid })
  const { octets: signature, unusedBits } = reader.bitString()
  if (unusedBits !== 0) throw refused('signature of no whole octets')
  reader.leave()
  reader.finish()
  return {
    der,
    certificationRequestInfo: reader.slice(infoStart, infoEnd),
    subject,
    subjectDer: reader.slice(subjectStart, keyStart),
    subjectPublicKeyInfo: reader.slice(keyStart, keyEnd),
    publicKey,
    signatureAlgorithm: algorithm,
    signature,
    ...attributes,
  }
}

/**
 * Proof of possession: the request is signed by the key it names (RFC 2986 section 3).
 *
 * @throws PkiError `ERR_PKI_CSR_SIGNATURE`; `ERR_PKI_KEY_POLICY` for a key of an unsupported kind, or an RSA key too expensive to verify with
 */
export function verifyCertificationRequest(csr: CertificationRequest): void {
  assertVerifiable(csr)
  const { signatureAlgorithm, subjectPublicKeyInfo, publicKey, certificationRequestInfo, signature } = csr
  if (!verifyByKey(signatureAlgorithm, subjectPublicKeyInfo, publicKey, certificationRequestInfo, signature)) {
    throw new PkiError('ERR_PKI_CSR_SIGNATURE', {})
  }
}

function assertVerifiable({ publicKey }: CertificationRequest): void {
  if (publicKey.type === 'unsupported') {
    throw new PkiError('ERR_PKI_KEY_POLICY', { reason: `unsupported key ${publicKey.algorithm}` })
  }
  if (!isCheap(publicKey)) throw new PkiError('ERR_PKI_KEY_POLICY', { reason: 'RSA key too large' })
}

/**
 * Makes a certification request, DER, for the signer's key; `subjectAltName` goes into an extensionRequest attribute (RFC 2985 section 5.4.2), and so do `extensions`: whole Extensions, DER.
 *
 * @throws PkiError `ERR_PKI_NAME`
 */
export async function createCertificationRequest(
  request: {
    readonly subject: DistinguishedName
    readonly signer: MessageSigner
    readonly subjectAltName?: readonly GeneralName[]
    readonly extensions?: readonly Uint8Array[]
  },
  options?: IoOptions,
): Promise<Uint8Array> {
  const { signer } = request
  const { extensions = [], subjectAltName: names = [] } = request
  const requested = names.length === 0 ? extensions : [...extensions, subjectAltName(names)]
  const attributes =
    requested.length === 0 ? [] : [sequence(objectIdentifier(oidExtensionRequest), set(sequence(...requested)))]
  const certificationRequestInfo = sequence(
    integer(0),
    encodeName(request.subject),
    signer.publicKey,
    context(0, true, ...attributes),
  )
  const signature = await signer.sign(certificationRequestInfo, options)
  return sequence(certificationRequestInfo, signatureAlgorithmIdentifier(signer.algorithm), bitString(signature))
}

type Attributes = Pick<
  CertificationRequest,
  'attributes' | 'requestedExtensions' | 'requestedSubjectAltName' | 'challengePassword'
>

function readAttributes(reader: DerReader): Attributes {
  const attributes: CertificationRequestAttribute[] = []
  let requested: ReturnType<typeof readRequestedExtensions> | undefined
  let challengePassword: string | undefined
  let previous: Uint8Array | undefined
  // RFC 2986 section 4.1: not OPTIONAL, though it may be empty.
  reader.enter(contextTag(0, true))
  while (!reader.atEnd) {
    const start = reader.offset
    reader.enter(derTag.sequence)
    const oid = reader.objectIdentifier()
    if (attributes.some(attribute => attribute.oid === oid)) throw refused(`attribute ${oid} twice`)
    if (attributes.length === maxAttributes) throw refused('too many attributes')
    reader.enter(derTag.set)
    const valueStart = reader.offset
    if (oid === oidChallengePassword) {
      challengePassword = readChallengePassword(reader)
    } else if (oid === oidExtensionRequest || oid === oidMicrosoftExtensionRequest) {
      if (requested !== undefined) throw refused('two extension requests')
      requested = readRequestedExtensions(reader)
    } else {
      reader.element()
    }
    const value = reader.slice(valueStart, reader.offset)
    // Those of RFC 2985 that make sense in a request are "SINGLE VALUE TRUE"; nothing honest has several.
    if (!reader.atEnd) throw refused(`attribute ${oid} with several values`)
    reader.leave()
    reader.leave()
    const der = reader.slice(start, reader.offset)
    if (previous !== undefined && compareEncodings(previous, der) >= 0) throw reader.error('SET OF not in order')
    previous = der
    attributes.push({ oid, values: [value] })
  }
  reader.leave()
  return {
    attributes,
    requestedExtensions: requested?.extensions ?? [],
    requestedSubjectAltName: requested?.subjectAltName,
    challengePassword,
  }
}

/** DirectoryString (RFC 2985 section 5.4.1), SIZE (1..255). */
function readChallengePassword(reader: DerReader): string {
  const tag = reader.peekTag()
  const encoding = tag === undefined ? undefined : stringEncodingOf(tag)
  if (encoding === undefined) throw refused('challengePassword is not a string')
  const password = decodeString(encoding, reader.content(tag!), true)
  if (password === undefined || password.length === 0 || password.length > maxChallengePasswordLength) {
    throw refused('malformed challengePassword')
  }
  return password
}

function refused(reason: string): PkiError<'ERR_PKI_CSR'> {
  return new PkiError('ERR_PKI_CSR', { reason })
}
