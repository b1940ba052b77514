import type { CrlReason } from '@fleetcert/x509'

/** The reasons that a certificate may be revoked for: RFC 5280 section 5.3.1 without `removeFromCRL`, which only a delta CRL holds. */
export const revocationReasons: readonly CrlReason[] = Object.freeze<CrlReason[]>([
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
])
