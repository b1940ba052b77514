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
  type SignatureAlgorithm,
  signatureAlgorithmIdentifier,
  subjectAltName,
  subjectKeyIdentifier,
} from '@fleetcert/x509'
import { concat, context, integer, sequence } from '@fleetcert/x509/der'
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
  /** The TBSCertificate, DER (RFC 5280 section 4.1). */
  assemble(values: TemplateValues): Uint8Array
}

/** Where a certificate's issuer publishes. */
export interface PublishedUrls {
  readonly crl: readonly string[]
  readonly caIssuers: readonly string[]
}

/** The issuer as a template needs it; without `subjectKeyIdentifier` the certificate is self-signed and carries no AKI (RFC 5280 section 4.2.1.1). */
export interface TemplateIssuer {
  readonly signatureAlgorithm: SignatureAlgorithm
  /** The issuer's subject, copied byte for byte (RFC 5280 section 4.1.2.6). */
  readonly nameDer: Uint8Array
  readonly subjectKeyIdentifier?: Uint8Array
}

const version3 = context(0, true, integer(2))

/** Encodes the constant parts of `profile` under `issuer`; {@link CertificateTemplate.assemble} fills in the rest. */
export function createCertificateTemplate(
  profile: ResolvedProfile,
  issuer: TemplateIssuer,
  urls?: PublishedUrls,
): CertificateTemplate {
  const algorithm = signatureAlgorithmIdentifier(issuer.signatureAlgorithm)
  const leading = concat([
    ...(profile.basicConstraints === undefined ? [] : [basicConstraints(profile.basicConstraints)]),
    keyUsage(profile.keyUsage),
    ...(profile.extendedKeyUsage.length === 0 ? [] : [extendedKeyUsage(profile.extendedKeyUsage)]),
  ])
  const trailing = concat([
    ...(issuer.subjectKeyIdentifier === undefined ? [] : [authorityKeyIdentifier(issuer.subjectKeyIdentifier)]),
    ...(urls === undefined || urls.crl.length === 0 ? [] : [crlDistributionPoints(urls.crl)]),
    ...(urls === undefined || urls.caIssuers.length === 0
      ? []
      : [authorityInfoAccess({ caIssuers: [...urls.caIssuers] })]),
  ])
  return {
    profile,
    assemble(values: TemplateValues): Uint8Array {
      const extensions: Uint8Array[] = [leading, subjectKeyIdentifier(keyIdentifierOf(values.subjectPublicKeyInfo))]
      if (values.subjectAltName.length > 0) extensions.push(subjectAltName(values.subjectAltName))
      extensions.push(trailing)
      return sequence(
        version3,
        integer(values.serialNumber),
        algorithm,
        issuer.nameDer,
        sequence(encodeTime(values.notBefore), encodeTime(values.notAfter)),
        encodeName(values.subject),
        values.subjectPublicKeyInfo,
        context(3, true, sequence(...extensions)),
      )
    },
  }
}
