import { type Certificate, extensionOids, parseCertificate } from '@fleetcert/x509'
import { comparableName } from './comparable-name.ts'

/** A certificate that may be part of a path, and what finding and checking paths asks of it again and again. */
export interface Candidate {
  readonly certificate: Certificate
  /** Comparable; never chains when empty. */
  readonly subject: string
  readonly issuer: string
  /** SubjectPublicKeyInfo as text, for maps. */
  readonly key: string
  /** "A certificate is self-issued if the same DN appears in the subject and issuer fields" (RFC 5280 section 6.1). */
  readonly isSelfIssued: boolean
  /** By dotted OID. */
  extension(oid: string): Uint8Array | undefined
}

/**
 * @throws PkiError as `parseCertificate`, and `ERR_PKI_NAME`
 */
export function toCandidate(input: Uint8Array | string | Certificate): Candidate {
  const certificate = typeof input === 'string' || input instanceof Uint8Array ? parseCertificate(input) : input
  const subject = comparableName(certificate.subject)
  const issuer = comparableName(certificate.issuer)
  const spki = certificate.subjectPublicKeyInfo
  return {
    certificate,
    subject,
    issuer,
    key: Buffer.from(spki.buffer, spki.byteOffset, spki.length).toString('latin1'),
    isSelfIssued: subject === issuer,
    extension: oid => certificate.extensions.find(extension => extension.oid === oid)?.value,
  }
}

/**
 * What keeps a certificate from being a CA's, if anything: "verify that the basicConstraints extension is present and that cA is set to TRUE" and
 * "if a key usage extension is present, verify that the keyCertSign bit is set" (RFC 5280 section 6.1.4 (k) and (n)).
 */
export function whyNoCa({ version, basicConstraints, keyUsage }: Certificate): WhyNoCa | undefined {
  if (version !== 3 || basicConstraints === undefined) {
    return { code: 'ERR_PKI_PATH_NOT_A_CA', rule: 'RFC 5280 section 6.1.4 (k)', reason: 'no basicConstraints' }
  }
  if (!basicConstraints.cA) {
    return {
      code: 'ERR_PKI_PATH_NOT_A_CA',
      rule: 'RFC 5280 section 6.1.4 (k)',
      reason: 'basicConstraints says cA FALSE',
    }
  }
  if (keyUsage !== undefined && !keyUsage.includes('keyCertSign')) {
    return {
      code: 'ERR_PKI_PATH_KEY_USAGE',
      rule: 'RFC 5280 section 6.1.4 (n)',
      reason: 'keyUsage without keyCertSign',
    }
  }
  return undefined
}

export interface WhyNoCa {
  readonly code: 'ERR_PKI_PATH_NOT_A_CA' | 'ERR_PKI_PATH_KEY_USAGE'
  readonly rule: string
  readonly reason: string
}

/** Kinds of critical extension that are acted on here, or bind nobody who only verifies. */
const understood: ReadonlySet<string> = new Set([
  extensionOids.basicConstraints,
  extensionOids.keyUsage,
  extensionOids.extendedKeyUsage,
  extensionOids.subjectAltName,
  extensionOids.nameConstraints,
  extensionOids.certificatePolicies,
  extensionOids.policyMappings,
  extensionOids.policyConstraints,
  extensionOids.inhibitAnyPolicy,
  extensionOids.crlDistributionPoints,
  extensionOids.subjectKeyIdentifier,
  extensionOids.authorityKeyIdentifier,
])

/** "A certificate-using system MUST reject the certificate if it encounters a critical extension it does not recognize" (RFC 5280 section 4.2). */
export function unknownCriticalExtension({ extensions }: Certificate): string | undefined {
  return extensions.find(({ oid, critical }) => critical && !understood.has(oid))?.oid
}
