export {
  type CertificationRequest,
  type CrlReason,
  certificateFingerprint,
  createCertificationRequest,
  decodePem,
  encodePem,
  type IoOptions,
  isPkiError,
  type MessageSigner,
  PkiError,
  type PkiErrorCode,
  type PkiErrorDetails,
  parseCertificate,
  parseCertificationRequest,
  parseCrl,
  pkiErrorSentences,
  publicKeyFingerprint,
  type SignatureAlgorithm,
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
  DeviceCredential,
  DeviceQuery,
  DeviceRecord,
  DeviceStatus,
  Enforcement,
  Enforcer,
  EnrollRequest,
  Fleet,
  Identification,
  IssuerRecord,
  RenewRequest,
  RevocationResult,
  RevokeRequest,
  ServerCredential,
  SignedCrl,
} from './fleet/fleet.ts'
export { isDeviceId } from './fleet/identifier.ts'
export { type OpenFleetOptions, openFleet } from './fleet/open-fleet.ts'
export { issuerPath, type PublishOptions } from './fleet/published-urls.ts'
export { revocationReasons } from './fleet/revocation-reasons.ts'
export type { SubjectName } from './fleet/subject-names.ts'
export { type FileKeyringOptions, fileKeyring } from './signer/file-keyring.ts'
export { memoryKeyring } from './signer/memory-keyring.ts'
export type { KeyAlgorithm, Keyring, Signer } from './signer/signer.ts'
export { type MemoryStoreOptions, memoryStore } from './store/memory-store.ts'
export type * from './store/store.ts'
