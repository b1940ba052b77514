import type { CertificateId, Revocation } from '../../store/store.ts'

/**
 * What a CA is to a fleet.
 * `root`: its certificate ends every chain; the fleet's own, or another's. `intermediateCa`: another's, between a root and an issuing CA of ours. `issuingCa`: certifies devices and servers.
 * `adoptedCa`: has certified devices before the fleet knew of it, and certifies none any more.
 */
export type AuthorityRole = 'root' | 'intermediateCa' | 'issuingCa' | 'adoptedCa'

/**
 * Where a CA is in its life.
 * `planned`: on record, and not certified yet; of another's root, until its certificate is imported. `announced`: trusted, and issues nothing. `active`: issues. `retiring`: trusted, has issued, issues nothing any more.
 * `retired`: not trusted any more, and what it has issued is superseded. `revoked`: so is all that it has issued.
 */
export type AuthorityState = 'planned' | 'announced' | 'active' | 'retiring' | 'retired' | 'revoked'

/** A certificate as the fleet document keeps it. */
export interface KeptCertificate {
  /** By the key of the CA that signed it. */
  readonly id: CertificateId
  /** DER, base64. */
  readonly certificate: string
}

/** A CA as the fleet document keeps it. Dates are ISO 8601. */
export interface AuthorityRecord {
  readonly role: AuthorityRole
  readonly state: AuthorityState
  /** Since when it is in that state; absent of those that a fleet began with. */
  readonly since?: string
  /** Which keyring holds its key, by `keyName`; absent where the key is another's. */
  readonly keyring?: 'root' | 'issuing'
  readonly keyName?: string
  /** Counts the fleet's own CAs of a role: goes into the names of CAs and keys from the second on. Absent: 1. */
  readonly generation?: number
  /** Drawn before anything is signed, so that a start or a rollover which died is taken up where it stopped. */
  readonly serialNumber?: string
  /** Of a planned one: the keyName of the CA that will sign it, its own for a root. Absent where another's will. */
  readonly issuedBy?: string
  /** Its certificate; absent while it is planned. */
  readonly own?: KeptCertificate
  /** Further certificates for the same key and name: of a root, by another root. */
  readonly cross?: readonly KeptCertificate[]
  /** Of a cross-certificate that is planned: the keyName of the root that will sign it, and its number. */
  readonly plannedCross?: { readonly issuedBy: string; readonly serialNumber: string }
  /** Of a revoked one. */
  readonly revocation?: { readonly revocationDate: string; readonly reason: Revocation['reason'] }
  /** Of a revoked one: until then devices may renew by what it has issued. */
  readonly renewableUntil?: string
}
