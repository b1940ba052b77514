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
  FleetBackupRequest,
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
export type { EnforcementWarning, FleetWarning, LastKnownWarning, PublishingWarning } from './fleet/fleet-warning.ts'
export type { HotIssuerOptions } from './fleet/hot-issuer-options.ts'
export { isDeviceId } from './fleet/identifier.ts'
export type { IdentityCounters } from './fleet/identity-view/identity-counters.ts'
export type { IdentityViewOptions } from './fleet/identity-view/identity-view-options.ts'
export type { KeyRef } from './fleet/issuers/adopted-key.ts'
export type { AdoptedAs, Adoption, AdoptionRefusal, AdoptionRequest } from './fleet/issuers/adoption.ts'
export type { AuthorityRole, AuthorityState } from './fleet/issuers/authority-record.ts'
export type { Dependents } from './fleet/issuers/dependents.ts'
export type {
  CrlImport,
  IssuerOperations,
  IssuerRequest,
  IssuerRevocation,
  RevokeIssuerRequest,
  RolloverRequest,
  RolloverState,
  RolloverStatus,
  RolloverStep,
  SubordinateCertificate,
  SubordinateRequest,
} from './fleet/issuers/issuer-operations.ts'
export {
  type CrlOptions,
  type IssuingCrlOptions,
  type IssuingOptions,
  type OpenFleetOptions,
  openFleet,
  type RootOptions,
} from './fleet/open-fleet.ts'
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
export { checkKeyName, isKeyName } from './signer/key-name.ts'
export { memoryKeyring } from './signer/memory-keyring.ts'
export { passphraseFromEnv, passphraseFromFile } from './signer/passphrase.ts'
export { type RemoteKey, type RemoteKeyringOptions, remoteKeyring } from './signer/remote-keyring.ts'
export { type RemoteSignerOptions, type RemoteSignRequest, remoteSigner } from './signer/remote-signer.ts'
export { type RetryAdvice, retryAdvice } from './signer/remote-signer-retry.ts'
export type { KeyAlgorithm, Keyring, Signer } from './signer/signer.ts'
export { type MemoryStoreOptions, memoryStore } from './store/memory-store.ts'
export { assertExport, assertImport } from './store/record-arguments.ts'
export { decodeStoreRecord, encodeStoreRecord, maxStoreRecordBytes } from './store/record-codec.ts'
export { recordKey } from './store/record-keys.ts'
export { revokedEntryDate } from './store/revoked-entry-date.ts'
export type * from './store/store.ts'
export {
  type BlockedKeyEntry,
  type CertificateEntry,
  type ConsumerEntry,
  type CrlEntry,
  type CrlPartEntry,
  type CrlScopeEntry,
  type DeviceEntry,
  type DocumentEntry,
  type ExportRequest,
  type HeadRecord,
  type ImportMark,
  importLimits,
  type LeaseEntry,
  type LedgerEntry,
  type PackedPage,
  type PackedRequest,
  type RevocationPlace,
  type StoreRecord,
  type StoreRecordKey,
  type StoreRecordKind,
  type StoreState,
  storeRecordKinds,
  type TokenEntry,
  type TransferStore,
} from './store/store-records.ts'
export { type CopiedFleet, type CopyFleetOptions, type CopyProgress, copyFleet } from './transfer/copy-fleet.ts'
