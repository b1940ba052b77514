import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isPkiError, type PkiError, type VerifyPathOptions, verifyPath } from '@fleetcert/core'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type CrlReason,
  crlNumberExtension,
  type DistinguishedName,
  encodeExtension,
  encodeName,
  encodeRevokedEntry,
  encodeTime,
  extensionOids,
  fromHex,
  type KeyUsageBit,
  keyIdentifierOf,
  keyUsage,
  parseCertificate,
  subjectKeyIdentifier,
} from '@fleetcert/x509'
import { bitString, context, integer, nullValue, objectIdentifier, sequence, sequenceOf } from '@fleetcert/x509/der'

/** The moment at which tests judge. */
export const at: Date = new Date('2026-06-01T00:00:00Z')
export const before: Date = new Date('2026-01-01T00:00:00Z')
export const after: Date = new Date('2027-01-01T00:00:00Z')

/** A key pair and how it signs, by AlgorithmIdentifier. */
export interface TestKey {
  readonly spki: Uint8Array
  readonly privateKey: KeyObject
  readonly algorithm: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

const identifier = (oid: string, ...parameters: Uint8Array[]) => sequence(objectIdentifier(oid), ...parameters)

export type TestAlgorithm =
  | 'ecdsa-with-SHA1'
  | 'ecdsa-with-SHA256'
  | 'ecdsa-with-SHA384'
  | 'ecdsa-with-SHA512'
  | 'sha1WithRSAEncryption'
  | 'md5WithRSAEncryption'
  | 'sha256WithRSAEncryption'
  | 'sha384WithRSAEncryption'
  | 'sha512WithRSAEncryption'
  | 'id-Ed25519'
  | 'id-Ed448'
  | 'id-ml-dsa-44'
  | 'id-ml-dsa-65'
  | 'id-ml-dsa-87'

/** AlgorithmIdentifier, and the hash for node:crypto. */
export const algorithms: Readonly<Record<TestAlgorithm, readonly [Uint8Array, string | null]>> = {
  'ecdsa-with-SHA1': [identifier('1.2.840.10045.4.1'), 'sha1'],
  'ecdsa-with-SHA256': [identifier('1.2.840.10045.4.3.2'), 'sha256'],
  'ecdsa-with-SHA384': [identifier('1.2.840.10045.4.3.3'), 'sha384'],
  'ecdsa-with-SHA512': [identifier('1.2.840.10045.4.3.4'), 'sha512'],
  sha1WithRSAEncryption: [identifier('1.2.840.113549.1.1.5', nullValue()), 'sha1'],
  md5WithRSAEncryption: [identifier('1.2.840.113549.1.1.4', nullValue()), 'md5'],
  sha256WithRSAEncryption: [identifier('1.2.840.113549.1.1.11', nullValue()), 'sha256'],
  sha384WithRSAEncryption: [identifier('1.2.840.113549.1.1.12', nullValue()), 'sha384'],
  sha512WithRSAEncryption: [identifier('1.2.840.113549.1.1.13', nullValue()), 'sha512'],
  'id-Ed25519': [identifier('1.3.101.112'), null],
  'id-Ed448': [identifier('1.3.101.113'), null],
  'id-ml-dsa-44': [identifier('2.16.840.1.101.3.4.3.17'), null],
  'id-ml-dsa-65': [identifier('2.16.840.1.101.3.4.3.18'), null],
  'id-ml-dsa-87': [identifier('2.16.840.1.101.3.4.3.19'), null],
}

export function keyOf(
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  name: TestAlgorithm = 'ecdsa-with-SHA256',
): TestKey {
  const [algorithm, hash] = algorithms[name]
  return {
    spki: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })),
    privateKey: pair.privateKey,
    algorithm,
    sign: message => new Uint8Array(sign(hash, message, pair.privateKey)),
  }
}

/** RSASSA-PSS. The hash of its mask and the salt are as they are told, right or wrong. */
export function pssKeyOf(
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  options: { readonly maskHash?: string; readonly saltLength?: number; readonly withoutParameters?: true } = {},
): TestKey {
  const { maskHash = '2.16.840.1.101.3.4.2.1', saltLength = 32 } = options
  const parameters = sequence(
    context(0, true, identifier('2.16.840.1.101.3.4.2.1')),
    context(1, true, identifier('1.2.840.113549.1.1.8', identifier(maskHash))),
    context(2, true, integer(saltLength)),
  )
  const key = { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  return {
    ...keyOf(pair, 'sha256WithRSAEncryption'),
    algorithm: identifier('1.2.840.113549.1.1.10', ...(options.withoutParameters ? [] : [parameters])),
    sign: message => new Uint8Array(sign('sha256', message, key)),
  }
}

export function makeKey(): TestKey {
  return keyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
}

export function named(commonName: string, ...more: DistinguishedName): DistinguishedName {
  return [[{ type: 'O', value: 'Acme' }], ...more, [{ type: 'CN', value: commonName }]]
}

/** What a test says of a certificate; the rest is as it should be. */
export interface CertificateSpec {
  readonly subject?: DistinguishedName
  readonly issuerName?: DistinguishedName
  readonly key?: TestKey
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly serialNumber?: string
  readonly version1?: boolean
  /** `null`: none. */
  readonly basicConstraints?: { readonly cA: boolean; readonly pathLength?: number } | null
  readonly keyUsage?: readonly KeyUsageBit[] | null
  /** Whole Extensions, after the others. */
  readonly extensions?: readonly Uint8Array[]
  /** Leaves the key identifiers out. */
  readonly withoutKeyIdentifiers?: boolean
}

export interface TestCertificate {
  readonly der: Uint8Array
  readonly key: TestKey
  readonly subject: DistinguishedName
  readonly serialNumber: string
}

let lastSerial = 0x1000

/** A certificate by `issuer`; without one, self-signed. */
export function makeCertificate(spec: CertificateSpec, issuer?: TestCertificate): TestCertificate {
  const key = spec.key ?? makeKey()
  const subject = spec.subject ?? named('device-1')
  const signer = issuer?.key ?? key
  const serialNumber = spec.serialNumber ?? (++lastSerial).toString(16).padStart(6, '0')
  const extensions = [
    ...(spec.basicConstraints ? [basicConstraints(spec.basicConstraints)] : []),
    ...(spec.keyUsage ? [keyUsage(spec.keyUsage)] : []),
    ...(spec.withoutKeyIdentifiers
      ? []
      : [subjectKeyIdentifier(keyIdentifierOf(key.spki)), authorityKeyIdentifier(keyIdentifierOf(signer.spki))]),
    ...(spec.extensions ?? []),
  ]
  const tbs = sequence(
    ...(spec.version1 ? [] : [context(0, true, integer(2))]),
    integer(fromHex(serialNumber)),
    signer.algorithm,
    encodeName(spec.issuerName ?? issuer?.subject ?? subject),
    sequence(encodeTime(spec.notBefore ?? before), encodeTime(spec.notAfter ?? after)),
    encodeName(subject),
    key.spki,
    ...(spec.version1 || extensions.length === 0 ? [] : [context(3, true, sequenceOf(extensions))]),
  )
  const der = sequence(tbs, signer.algorithm, bitString(signer.sign(tbs)))
  return { der, key, subject, serialNumber }
}

export function makeCa(name: string, issuer?: TestCertificate, spec: CertificateSpec = {}): TestCertificate {
  const ca = { subject: named(name), basicConstraints: { cA: true }, keyUsage: ['keyCertSign', 'cRLSign'] } as const
  return makeCertificate({ ...ca, ...spec }, issuer)
}

export function makeEndEntity(issuer: TestCertificate | undefined, spec: CertificateSpec = {}): TestCertificate {
  return makeCertificate({ keyUsage: ['digitalSignature'], ...spec }, issuer)
}

/** What a test says of a CRL. */
export interface CrlSpec {
  readonly revoked?: readonly { readonly serialNumber: string; readonly reason?: CrlReason }[]
  readonly issuerName?: DistinguishedName
  readonly thisUpdate?: Date
  /** `null`: none. */
  readonly nextUpdate?: Date | null
  readonly crlNumber?: bigint
  readonly extensions?: readonly Uint8Array[]
  readonly withoutKeyIdentifier?: boolean
}

export function makeCrl(signer: TestCertificate, spec: CrlSpec = {}): Uint8Array {
  const thisUpdate = spec.thisUpdate ?? new Date(at.getTime() - 3_600_000)
  const nextUpdate = spec.nextUpdate === undefined ? new Date(at.getTime() + 86_400_000) : spec.nextUpdate
  const entries = (spec.revoked ?? []).map(({ serialNumber, reason = 'keyCompromise' }) =>
    encodeRevokedEntry({ serialNumber, revocation: { revocationDate: thisUpdate, reason } }),
  )
  const extensions = [
    ...(spec.withoutKeyIdentifier ? [] : [authorityKeyIdentifier(keyIdentifierOf(signer.key.spki))]),
    crlNumberExtension(spec.crlNumber ?? 1n),
    ...(spec.extensions ?? []),
  ]
  const tbs = sequence(
    integer(1),
    signer.key.algorithm,
    encodeName(spec.issuerName ?? signer.subject),
    encodeTime(thisUpdate),
    ...(nextUpdate === null ? [] : [encodeTime(nextUpdate)]),
    ...(entries.length === 0 ? [] : [sequenceOf(entries)]),
    context(0, true, sequenceOf(extensions)),
  )
  return sequence(tbs, signer.key.algorithm, bitString(signer.key.sign(tbs)))
}

/** NameConstraints of GeneralNames, whole Extension. */
export function nameConstraints(
  subtrees: { readonly permitted?: readonly Uint8Array[]; readonly excluded?: readonly Uint8Array[] },
  critical = true,
): Uint8Array {
  const list = (tagNumber: number, names: readonly Uint8Array[] | undefined) =>
    names === undefined ? [] : [context(tagNumber, true, ...names.map(name => sequence(name)))]
  const value = sequence(...list(0, subtrees.permitted), ...list(1, subtrees.excluded))
  return encodeExtension(extensionOids.nameConstraints, critical, value)
}

const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
/** GeneralNames, without the checks of who writes them in earnest. */
export const rawName = {
  dns: (text: string): Uint8Array => context(2, false, ascii(text)),
  email: (text: string): Uint8Array => context(1, false, ascii(text)),
  uri: (text: string): Uint8Array => context(6, false, ascii(text)),
  ip: (...octets: number[]): Uint8Array => context(7, false, Uint8Array.from(octets)),
  directory: (name: DistinguishedName): Uint8Array => context(4, true, encodeName(name)),
  registeredId: (): Uint8Array => context(8, false, Uint8Array.of(0x2a, 3)),
}

/** SubjectAltName of GeneralNames as they are. */
export function alternativeNames(...names: readonly Uint8Array[]): Uint8Array {
  return encodeExtension(extensionOids.subjectAltName, false, sequenceOf(names))
}

/** Options that a good chain passes with. */
export function optionsFor(
  certificate: TestCertificate,
  chain: readonly TestCertificate[],
  trustAnchors: readonly TestCertificate[],
  more: Partial<VerifyPathOptions> = {},
): VerifyPathOptions {
  return {
    certificate: certificate.der,
    chain: chain.map(({ der }) => der),
    trustAnchors: trustAnchors.map(({ der }) => der),
    at,
    purpose: 'clientAuth',
    revocation: 'off',
    ...more,
  }
}

/** The PkiError that verifying ends with; anything else fails the test. */
export async function refusal(options: VerifyPathOptions): Promise<PkiError> {
  try {
    await verifyPath(options)
  } catch (error) {
    if (isPkiError(error)) return error
    throw error
  }
  throw new Error('the path was accepted')
}

/** The code that verifying ends with, or `accepted`. */
export async function verdictOf(options: VerifyPathOptions): Promise<string> {
  try {
    await verifyPath(options)
    return 'accepted'
  } catch (error) {
    if (isPkiError(error)) return error.code
    throw error
  }
}

/** Subjects' common names along a path. */
export function commonNamesOf(path: readonly { readonly der: Uint8Array }[]): string[] {
  return path.map(
    ({ der }) =>
      parseCertificate(der)
        .subject.flat()
        .find(({ type }) => type === 'CN')?.value ?? '',
  )
}
