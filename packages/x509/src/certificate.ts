import { createDerReader, type DerReader } from './der/reader.ts'
import { contextTag, derTag } from './der/tag.ts'
import { elementHeader, sequence } from './der/tlv.ts'
import { type AuthorityInfoAccess, parseAuthorityInfoAccess } from './extensions/authority-info-access.ts'
import { type BasicConstraints, parseBasicConstraints } from './extensions/basic-constraints.ts'
import { parseCrlDistributionPoints } from './extensions/distribution-point.ts'
import { parseExtendedKeyUsage } from './extensions/extended-key-usage.ts'
import { readExtensions } from './extensions/extension.ts'
import { extensionOids } from './extensions/extension-oids.ts'
import { parseAuthorityKeyIdentifier, parseSubjectKeyIdentifier } from './extensions/key-identifier.ts'
import { parseKeyUsage } from './extensions/key-usage.ts'
import { readSubjectAltName } from './extensions/subject-alt-name.ts'
import { derOf } from './input.ts'
import { readName } from './name.ts'
import { PkiError } from './pki-error.ts'
import { readPublicKey } from './public-key.ts'
import { readSerialNumber } from './serial-number.ts'
import { readSignatureAlgorithm, signatureAlgorithmIdentifier } from './signature.ts'
import type {
  DistinguishedName,
  Extension,
  GeneralName,
  KeyUsageBit,
  PublicKeyInfo,
  SignatureAlgorithm,
} from './types.ts'

const limitBytes = 64 * 1024
const noUnusedBits = Uint8Array.of(0)

/** What a TBSCertificate (RFC 5280 section 4.1.2) says. All octet arrays are views of the input. */
export interface TbsCertificate {
  /** DER. */
  readonly tbsCertificate: Uint8Array
  /** As people count them: 3 is written as 2. */
  readonly version: 1 | 2 | 3
  /** Lower-case hex of even length, without sign octet; `-` in front of a negative number. */
  readonly serialNumber: string
  /** The INTEGER's content octets. */
  readonly serialNumberOctets: Uint8Array
  /** `undefined`: not supported, or inner and outer AlgorithmIdentifier differ (RFC 5280 section 4.1.1.2). */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined
  /** Dotted. */
  readonly signatureAlgorithmOid: string
  /** The AlgorithmIdentifier inside TBSCertificate, DER. */
  readonly tbsSignatureAlgorithm: Uint8Array
  /** Who signed. */
  readonly issuer: DistinguishedName
  /** The same as its octets: names are compared by these. */
  readonly issuerDer: Uint8Array
  /** Whose key it is; may be empty. */
  readonly subject: DistinguishedName
  /** The same as its octets. */
  readonly subjectDer: Uint8Array
  /** Inclusive. */
  readonly notBefore: Date
  /** Inclusive (RFC 5280 section 4.1.2.5). */
  readonly notAfter: Date
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array
  /** What `subjectPublicKeyInfo` says. */
  readonly publicKey: PublicKeyInfo
  /** In order, none twice. */
  readonly extensions: readonly Extension[]
  /** RFC 5280 section 4.2.1.9. */
  readonly basicConstraints?: BasicConstraints | undefined
  /** RFC 5280 section 4.2.1.3. */
  readonly keyUsage?: readonly KeyUsageBit[] | undefined
  /** Dotted OIDs (RFC 5280 section 4.2.1.12). */
  readonly extendedKeyUsage?: readonly string[] | undefined
  /** In order (RFC 5280 section 4.2.1.6). */
  readonly subjectAltName?: readonly GeneralName[] | undefined
  /** RFC 5280 section 4.2.1.2. */
  readonly subjectKeyIdentifier?: Uint8Array | undefined
  /** The keyIdentifier of AuthorityKeyIdentifier. */
  readonly authorityKeyIdentifier?: Uint8Array | undefined
  /** URLs, in order. Never fetch from a stranger's. */
  readonly crlDistributionPoints?: readonly string[] | undefined
  /** URLs, in order. Never fetch from a stranger's. */
  readonly authorityInfoAccess?: AuthorityInfoAccess | undefined
}

/** What a Certificate (RFC 5280 section 4.1) says. All octet arrays are views of the input. */
export interface Certificate extends TbsCertificate {
  /** The whole certificate. */
  readonly der: Uint8Array
  /** The AlgorithmIdentifier beside TBSCertificate, DER. */
  readonly outerSignatureAlgorithm: Uint8Array
  /** signatureValue's octets. */
  readonly signature: Uint8Array
}

/**
 * Reads a certificate: DER, or PEM with one CERTIFICATE block, up to 64 KiB. The structure is checked strictly; nothing is verified, neither signature nor validity nor policy.
 * Unsupported keys and signature algorithms are read and named as such.
 *
 * @throws PkiError `ERR_PKI_CERTIFICATE`, `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE`, `ERR_PKI_PEM`
 */
export function parseCertificate(input: Uint8Array | string): Certificate {
  const der = derOf(input, { labels: ['CERTIFICATE'], limitBytes })
  const reader = createDerReader(der)
  reader.enter(derTag.sequence)
  const tbs = readTbsCertificate(reader)
  const start = reader.offset
  const outer = readSignatureAlgorithm(reader)
  const outerSignatureAlgorithm = reader.slice(start, reader.offset)
  const { octets: signature, unusedBits } = reader.bitString()
  if (unusedBits !== 0) throw malformed('signature of no whole octets')
  reader.leave()
  reader.finish()
  const isSame = Buffer.compare(outerSignatureAlgorithm, tbs.tbsSignatureAlgorithm) === 0
  return {
    ...tbs,
    signatureAlgorithm: isSame ? outer.algorithm : undefined,
    signatureAlgorithmOid: outer.oid,
    der,
    outerSignatureAlgorithm,
    signature,
  }
}

/**
 * Reads a TBSCertificate, DER: what a linter sees before there is a signature.
 *
 * @throws PkiError `ERR_PKI_CERTIFICATE`, `ERR_PKI_DER`, `ERR_PKI_TOO_LARGE`
 */
export function parseTbsCertificate(tbsCertificate: Uint8Array): TbsCertificate {
  const reader = createDerReader(tbsCertificate, { maxBytes: limitBytes })
  const tbs = readTbsCertificate(reader)
  reader.finish()
  return tbs
}

/** Certificate (RFC 5280 section 4.1) of an encoded TBSCertificate and its signature. The algorithm must be the one that `tbsCertificate` names. */
export function encodeCertificate(
  tbsCertificate: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array {
  const header = elementHeader(derTag.bitString, 1 + signature.length)
  return sequence(tbsCertificate, signatureAlgorithmIdentifier(algorithm), header, noUnusedBits, signature)
}

function readTbsCertificate(reader: DerReader): TbsCertificate {
  const start = reader.offset
  reader.enter(derTag.sequence)
  const version = readVersion(reader)
  const serialNumber = readSerialNumber(reader)
  const algorithmStart = reader.offset
  const { oid: signatureAlgorithmOid, algorithm: signatureAlgorithm } = readSignatureAlgorithm(reader)
  const issuerStart = reader.offset
  const issuer = readName(reader, { strict: false })
  const validityStart = reader.offset
  reader.enter(derTag.sequence)
  const notBefore = reader.time()
  const notAfter = reader.time()
  reader.leave()
  const subjectStart = reader.offset
  const subject = readName(reader, { strict: false })
  const keyStart = reader.offset
  const publicKey = readPublicKey(reader)
  const keyEnd = reader.offset
  readUniqueIdentifiers(reader, version)
  const extensions = readCertificateExtensions(reader, version)
  reader.leave()
  return {
    tbsCertificate: reader.slice(start, reader.offset),
    version,
    serialNumber: serialNumber.text,
    serialNumberOctets: serialNumber.octets,
    signatureAlgorithm,
    signatureAlgorithmOid,
    tbsSignatureAlgorithm: reader.slice(algorithmStart, issuerStart),
    issuer,
    issuerDer: reader.slice(issuerStart, validityStart),
    subject,
    subjectDer: reader.slice(subjectStart, keyStart),
    notBefore,
    notAfter,
    subjectPublicKeyInfo: reader.slice(keyStart, keyEnd),
    publicKey,
    extensions,
    ...readKnownExtensions(extensions),
  }
}

/** The extensions that have members of their own. */
type KnownExtensions = Pick<
  TbsCertificate,
  | 'basicConstraints'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'subjectAltName'
  | 'subjectKeyIdentifier'
  | 'authorityKeyIdentifier'
  | 'crlDistributionPoints'
  | 'authorityInfoAccess'
>

function readKnownExtensions(extensions: readonly Extension[]): KnownExtensions {
  const known: { -readonly [Key in keyof KnownExtensions]: KnownExtensions[Key] } = {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltName: undefined,
    subjectKeyIdentifier: undefined,
    authorityKeyIdentifier: undefined,
    crlDistributionPoints: undefined,
    authorityInfoAccess: undefined,
  }
  for (const { oid, value } of extensions) {
    switch (oid) {
      case extensionOids.basicConstraints:
        known.basicConstraints = parseBasicConstraints(value)
        break
      case extensionOids.keyUsage:
        known.keyUsage = parseKeyUsage(value)
        break
      case extensionOids.extendedKeyUsage:
        known.extendedKeyUsage = parseExtendedKeyUsage(value)
        break
      case extensionOids.subjectAltName:
        known.subjectAltName = readSubjectAltName(value, { strict: false, emptyToo: true })
        break
      case extensionOids.subjectKeyIdentifier:
        known.subjectKeyIdentifier = parseSubjectKeyIdentifier(value)
        break
      case extensionOids.authorityKeyIdentifier:
        known.authorityKeyIdentifier = parseAuthorityKeyIdentifier(value)
        break
      case extensionOids.crlDistributionPoints:
        known.crlDistributionPoints = parseCrlDistributionPoints(value)
        break
      case extensionOids.authorityInfoAccess:
        known.authorityInfoAccess = parseAuthorityInfoAccess(value)
        break
    }
  }
  return known
}

function readVersion(reader: DerReader): 1 | 2 | 3 {
  if (reader.peekTag() !== contextTag(0, true)) return 1
  reader.enter(contextTag(0, true))
  const version = reader.smallInteger()
  reader.leave()
  // v1 is the DEFAULT, so 0 is not written (X.690 section 11.5).
  if (version !== 1 && version !== 2) throw malformed('version neither 2 nor 3')
  return version === 1 ? 2 : 3
}

/** "These fields MUST only appear if the version is 2 or 3" (RFC 5280 section 4.1.2.8). Read over: nobody uses them. */
function readUniqueIdentifiers(reader: DerReader, version: number): void {
  for (const tag of [contextTag(1, false), contextTag(2, false)]) {
    if (reader.peekTag() !== tag) continue
    if (version === 1) throw malformed('unique identifier in a version 1 certificate')
    reader.bitString(tag)
  }
}

/** "This field MUST only appear if the version is 3" (RFC 5280 section 4.1.2.9). */
function readCertificateExtensions(reader: DerReader, version: number): Extension[] {
  if (reader.peekTag() !== contextTag(3, true)) return []
  if (version !== 3) throw malformed('extensions in a certificate that is not version 3')
  reader.enter(contextTag(3, true))
  // `critical FALSE` spelled out: see readExtensions.
  const extensions = readExtensions(reader, { strict: false })
  reader.leave()
  return extensions
}

function malformed(reason: string): PkiError<'ERR_PKI_CERTIFICATE'> {
  return new PkiError('ERR_PKI_CERTIFICATE', { reason })
}
