export {
  type BasicOcspResponse,
  type Certificate,
  type CertificateRevocationList,
  type CertificationRequest,
  type CrlReason,
  type CsrKey,
  certificateFingerprint,
  checkNames,
  createCertificationRequest,
  decodePem,
  encodeCertId,
  encodeCertificatesOnly,
  encodeCsrAttributes,
  encodeOcspFailure,
  encodeOcspRequest,
  encodePem,
  encodeRevokedEntries,
  type IoOptions,
  isPkiError,
  type KnownNames,
  type MessageSigner,
  type OcspCertificateStatus,
  type OcspIssuer,
  type OcspResponseStatus,
  PkiError,
  type PkiErrorCode,
  type PkiErrorDetails,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  parseOcspRequest,
  parseOcspResponse,
  pkiErrorSentences,
  publicKeyFingerprint,
  type RevokedEntryFields,
  type SignatureAlgorithm,
  verifyOcspResponse,
} from '@fleetcert/x509'
export type {
  CertificateProfile,
  CertificateProfiles,
  DeviceProfile,
  ServerOptions,
  ServerProfile,
  ServiceProfile,
  SubjectAttributes,
} from './authority/certificate-profile.ts'
export type { KeyKind } from './authority/key-policy.ts'
export type { BlockedKeys } from './authority/keys/blocked-keys.ts'
export { type LintOptions, lintCertificate } from './authority/lint/lint-certificate.ts'
export type { LintFinding, LintScope, LintSeverity } from './authority/lint/lint-rule.ts'
export type {
  AdmissionTarget,
  CertificateEvidence,
  DeviceCredential,
  DeviceQuery,
  DeviceRecord,
  DeviceStatus,
  Enforcement,
  EnforcementCount,
  EnforcementTarget,
  Enforcer,
  EnrollRequest,
  Fleet,
  Identification,
  IdentifyOptions,
  IssuerRecord,
  RegisterRequest,
  RenewRequest,
  RevocationResult,
  RevokeAllOptions,
  RevokeAllQuery,
  RevokeAllResult,
  RevokedPage,
  RevokeRequest,
  ServerCredential,
  SignedCrl,
} from './fleet/fleet.ts'
export type { EnforcementWarning, FleetWarning, PublishingWarning } from './fleet/fleet-warning.ts'
export { isDeviceId } from './fleet/identifier.ts'
export type { IdentityCounters } from './fleet/identity-view/identity-counters.ts'
export type { IdentityViewOptions } from './fleet/identity-view/identity-view-options.ts'
export { type CrlOptions, type IssuingCrlOptions, type OpenFleetOptions, openFleet } from './fleet/open-fleet.ts'
export { issuerPath, type PublishOptions } from './fleet/published-urls.ts'
export type { Confirmation, ConfirmRequest } from './fleet/renewal/confirm.ts'
export type { RenewalSchedule, RenewalScheduleRequest } from './fleet/renewal/renewal-schedule.ts'
export type { RenewalWindow } from './fleet/renewal/renewal-window.ts'
export type { RenewalInfo } from './fleet/renewal/renewals.ts'
export { revocationReasons } from './fleet/revocation-reasons.ts'
export type { SubjectName } from './fleet/subject-names.ts'
export type { CreateTokenRequest, DeviceToken } from './fleet/tokens/device-token.ts'
export type { CertificateInput } from './path/certificate-pool.ts'
export type { PolicyOptions } from './path/check-policies.ts'
export type { RevocationCheck, RevocationMode } from './path/check-revocation.ts'
export { createFetcher, type Fetcher, type FetcherOptions } from './path/create-fetcher.ts'
export type { PathPurpose } from './path/key-purpose.ts'
export type { PathLimits, PathWork } from './path/limits.ts'
export { type VerifiedPath, type VerifyPathOptions, verifyPath } from './path/verify-path.ts'
export { type LintCrlOptions, lintCrl } from './revocation/lint/crl/lint-crl.ts'
export { type LintOcspOptions, lintOcspResponse } from './revocation/lint/ocsp/lint-ocsp-response.ts'
export type { AuthoritativeOcspAnswer, FailedOcspAnswer, OcspAnswer } from './revocation/ocsp/ocsp-answer.ts'
export type { OcspAuthority, OcspSigning } from './revocation/ocsp/ocsp-authority.ts'
export {
  createOcspResponder,
  type OcspOptions,
  type OcspResponder,
  type OcspResponderOptions,
} from './revocation/ocsp/ocsp-responder.ts'
export { type FileKeyringOptions, fileKeyring } from './signer/file-keyring.ts'
export { memoryKeyring } from './signer/memory-keyring.ts'
export type { KeyAlgorithm, Keyring, Signer } from './signer/signer.ts'
export { type MemoryStoreOptions, memoryStore } from './store/memory-store.ts'
export type * from './store/store.ts'
