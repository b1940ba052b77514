import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  type DistinguishedName,
  encodeName,
  encodeTime,
  extendedKeyUsage,
  type GeneralName,
  keyIdentifierOf,
  keyUsage,
  ocspNoCheck,
  type SignatureAlgorithm,
  signatureAlgorithmIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
  type TbsCertificate,
} from '@fleetcert/x509'
import { concat, context, contextTag, derTag, elementHeader, integer, sequence } from '@fleetcert/x509/der'
import type { ResolvedProfile } from './profile.ts'

/** What differs from one certificate of a template to the next. */
export interface TemplateValues {
  /** The INTEGER's magnitude, 16 octets. */
  readonly serialNumber: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly subject: DistinguishedName
  readonly subjectPublicKeyInfo: Uint8Array
  readonly subjectAltName: readonly GeneralName[]
}

/** Everything that a profile under one issuer always writes, encoded once. */
export interface CertificateTemplate {
  readonly profile: ResolvedProfile
  /** The certificate whose key signs; absent where that is the new one. */
  readonly issuer?: TbsCertificate
  /** The TBSCertificate, DER (RFC 5280 section 4.1). */
  assemble(values: TemplateValues): Uint8Array
}

/** Where a certificate's issuer publishes. */
export interface PublishedUrls {
  readonly crl: readonly string[]
  readonly caIssuers: readonly string[]
  /** Absent where no responder answers for the certificate. */
  readonly ocsp?: readonly string[]
}

/** The issuer as a template needs it: a CA with its certificate, or for a self-signed certificate its name alone. */
export type TemplateIssuer = { readonly signatureAlgorithm: SignatureAlgorithm } & (
  | { readonly certificate: TbsCertificate }
  | { readonly certificate?: never; readonly nameDer: Uint8Array }
)

const version3 = context(0, true, integer(2))
const nothing = new Uint8Array(0)
const keyIdentifierOctets = 20
/** Of SubjectKeyIdentifier, all but the identifier, which comes last. */
const keyIdentifierHeader = subjectKeyIdentifier(new Uint8Array(keyIdentifierOctets)).slice(0, -keyIdentifierOctets)

/** Encodes the constant parts of `profile` under `issuer`; {@link CertificateTemplate.assemble} fills in the rest. */
export function createCertificateTemplate(
  profile: ResolvedProfile,
  issuer: TemplateIssuer,
  urls?: PublishedUrls,
): CertificateTemplate {
  const algorithm = signatureAlgorithmIdentifier(issuer.signatureAlgorithm)
  const { certificate } = issuer
  // Copied octet by octet (RFC 5280 section 4.1.2.6).
  const nameDer = issuer.certificate === undefined ? issuer.nameDer : issuer.certificate.subjectDer
  const algorithmAndIssuer = concat([algorithm, nameDer])
  const leading = concat([
    ...(profile.basicConstraints === undefined ? [] : [basicConstraints(profile.basicConstraints)]),
    keyUsage(profile.keyUsage),
    ...(profile.nameConstraints === undefined ? [] : [profile.nameConstraints]),
    ...(profile.extendedKeyUsage.length === 0 ? [] : [extendedKeyUsage(profile.extendedKeyUsage)]),
    ...(profile.ocspNoCheck ? [ocspNoCheck()] : []),
  ])
  // RFC 9919 section 3.2.2: a responder's certificate does not say where to ask about its own revocation.
  const { crl, caIssuers, ocsp = [] } = profile.ocspNoCheck || urls === undefined ? { crl: [], caIssuers: [] } : urls
  const trailing = concat([
    // "There is one exception; where a CA distributes its public key in the form of a 'self-signed' certificate" (RFC 5280 section 4.2.1.1).
    ...(certificate === undefined ? [] : [authorityKeyIdentifier(keyIdentifierIn(certificate))]),
    ...(crl.length === 0 ? [] : [crlDistributionPoints(crl)]),
    ...(ocsp.length + caIssuers.length === 0 ? [] : [authorityInfoAccess({ ocsp, caIssuers })]),
  ])
  return {
    profile,
    ...(certificate === undefined ? {} : { issuer: certificate }),
    assemble(values: TemplateValues): Uint8Array {
      const keyIdentifier = keyIdentifierOf(values.subjectPublicKeyInfo)
      const names = values.subjectAltName.length > 0 ? subjectAltName(values.subjectAltName) : nothing
      const length = leading.length + keyIdentifierHeader.length + keyIdentifier.length + names.length + trailing.length
      const extensions = elementHeader(derTag.sequence, length)
      // Everything is written once, into its place.
      return sequence(
        version3,
        integer(values.serialNumber),
        algorithmAndIssuer,
        sequence(encodeTime(values.notBefore), encodeTime(values.notAfter)),
        encodeName(values.subject),
        values.subjectPublicKeyInfo,
        elementHeader(contextTag(3, true), extensions.length + length),
        extensions,
        leading,
        keyIdentifierHeader,
        keyIdentifier,
        names,
        trailing,
      )
    },
  }
}

/** As it stands in the issuer's certificate; "the value … MUST be the value placed in the key identifier field" (RFC 5280 section 4.2.1.2). */
function keyIdentifierIn(issuer: TbsCertificate): Uint8Array {
  return issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.subjectPublicKeyInfo)
}
