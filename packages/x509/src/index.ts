export {
  type Certificate,
  encodeCertificate,
  parseCertificate,
  parseTbsCertificate,
  type TbsCertificate,
} from './certificate.ts'
export {
  type CertificationRequest,
  type CertificationRequestAttribute,
  createCertificationRequest,
  parseCertificationRequest,
  verifyCertificationRequest,
} from './certification-request.ts'
export {
  type CertificateRevocationList,
  encodeCertificateList,
  encodeCertificateListParts,
  encodeTbsCertList,
  encodeTbsCertListParts,
  parseCrl,
  type RevokedCertificate,
  type TbsCertListFields,
} from './crl.ts'
export { ecdsaSignatureValue } from './ecdsa-signature.ts'
export { encodeCertificatesOnly } from './est/certificates-only.ts'
export { type CsrKey, encodeCsrAttributes } from './est/csr-attributes.ts'
export {
  type AuthorityInfoAccess,
  authorityInfoAccess,
  parseAuthorityInfoAccess,
} from './extensions/authority-info-access.ts'
export { type BasicConstraints, basicConstraints, parseBasicConstraints } from './extensions/basic-constraints.ts'
export {
  crlNumberExtension,
  deltaCrlIndicator,
  invalidityDateExtension,
  parseCrlNumber,
  parseInvalidityDate,
  parseReasonCode,
  reasonCodeExtension,
} from './extensions/crl-extensions.ts'
export {
  crlDistributionPoints,
  type IssuingDistributionPoint,
  issuingDistributionPoint,
  parseCrlDistributionPoints,
  parseIssuingDistributionPoint,
} from './extensions/distribution-point.ts'
export { extendedKeyUsage, parseExtendedKeyUsage } from './extensions/extended-key-usage.ts'
export { encodeExtension } from './extensions/extension.ts'
export { extendedKeyUsageOids, extensionOids } from './extensions/extension-oids.ts'
export { freshestCrl, parseFreshestCrl } from './extensions/freshest-crl.ts'
export { encodeGeneralName } from './extensions/general-name.ts'
export {
  authorityKeyIdentifier,
  keyIdentifierOf,
  parseAuthorityKeyIdentifier,
  parseSubjectKeyIdentifier,
  subjectKeyIdentifier,
} from './extensions/key-identifier.ts'
export { keyUsage, parseKeyUsage } from './extensions/key-usage.ts'
export { type NameSubtree, nameConstraints } from './extensions/name-constraints.ts'
export { ocspNoCheck } from './extensions/ocsp-no-check.ts'
export { parseSubjectAltName, subjectAltName } from './extensions/subject-alt-name.ts'
export {
  certificateFingerprint,
  formatFingerprint,
  fromHex,
  keyId,
  parseFingerprint,
  publicKeyFingerprint,
  toHex,
} from './fingerprint.ts'
export { checkNames, type KnownNames } from './known-names.ts'
export { type MessageDigest, messageDigest } from './message-digest.ts'
export { attributeValues, encodeName, formatName, parseName } from './name.ts'
export {
  encodeCertId,
  encodeCertIdIssuer,
  isCertIdOf,
  type OcspCertId,
  type OcspIssuer,
} from './ocsp/cert-id.ts'
export { type OcspHash, ocspOids } from './ocsp/ocsp-oids.ts'
export { encodeOcspRequest, type OcspRequest, ocspNonceExtension, parseOcspRequest } from './ocsp/ocsp-request.ts'
export {
  type BasicOcspResponse,
  type FailedOcspResponse,
  parseOcspResponse,
  type SingleOcspResponse,
} from './ocsp/ocsp-response.ts'
export {
  createOcspResponseWriter,
  type OcspCertificateStatus,
  type OcspResponseContent,
  type OcspResponseDraft,
  type OcspResponseWriter,
} from './ocsp/ocsp-response-writer.ts'
export { encodeOcspFailure, type OcspResponseStatus } from './ocsp/response-status.ts'
export { type VerifyOcspResponseOptions, verifyOcspResponse } from './ocsp/verify-ocsp-response.ts'
export { decodePem, decodePemOne, encodePem, type PemBlock } from './pem.ts'
export { isPkiError, PkiError } from './pki-error.ts'
export {
  type PathErrorDetails,
  type PkiErrorCode,
  type PkiErrorDetails,
  type PkiErrorDetailsByCode,
  pkiErrorSentences,
} from './pki-error-codes.ts'
export { parsePublicKey, publicKeyOctets } from './public-key.ts'
export { encodeRevokedEntries, encodeRevokedEntry, type RevokedEntryFields } from './revoked-entries.ts'
export {
  parseSignatureAlgorithm,
  type SignatureVerifier,
  signatureAlgorithmIdentifier,
  signatureKeyType,
  signatureVerifier,
  verificationHash,
  verifySignature,
} from './signature.ts'
export { softwareSigner } from './software-signer.ts'
export { encodeTime, endlessNotAfter, parseTime } from './time.ts'
export type {
  CrlReason,
  DistinguishedName,
  Extension,
  GeneralName,
  IoOptions,
  KeyUsageBit,
  MessageSigner,
  NameAttribute,
  NameEncoding,
  PublicKeyInfo,
  SignatureAlgorithm,
} from './types.ts'
