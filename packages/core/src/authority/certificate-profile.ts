import type { KeyKind } from './key-policy.ts'

/** What the subject of every certificate of a profile holds beside its common name, in the bounds of RFC 5280 appendix A.1. Written in this order. */
export interface SubjectAttributes {
  /** Two upper-case letters (ISO 3166). */
  readonly C?: string
  /** State or province, up to 128 characters. */
  readonly ST?: string
  /** Locality, up to 128 characters. */
  readonly L?: string
  /** Organization, up to 64 characters. Default: the fleet's. */
  readonly O?: string
  /** Organizational units, up to 64 characters each. */
  readonly OU?: string | readonly string[]
}

interface AnyProfile {
  /** notBefore lies so far in the past, for devices whose clock is behind. Default 300, at most one day. */
  readonly backdateSeconds?: number
  /** What the subject holds beside its common name. Default: the fleet's organization. */
  readonly subject?: SubjectAttributes
}

/** A lifetime: default one year, from one minute up. */
interface Ending {
  /** Default lifetime, seconds; 60 or more. */
  readonly validitySeconds?: number
  /** Excludes `validitySeconds`. */
  readonly endless?: never
}

/** No end at all: notAfter is 99991231235959Z. For the birth certificates of IEEE 802.1AR (IDevID); docs/decisions/005-endless-certificates.md says what that costs. */
interface Endless {
  readonly endless: true
  /** Excludes `endless`. */
  readonly validitySeconds?: never
}

/**
 * Which keys are certified, and what they may do beside digitalSignature. Only EC keys can agree on keys (keyAgreement), only RSA keys encipher them (keyEncipherment),
 * so either wants `keys` to name keys of that kind alone.
 */
type KeyOptions =
  | {
      /** Default all: P-256, P-384, Ed25519 and RSA. The first is made where the key is made here. */
      readonly keys?: readonly KeyKind[]
      /** 2048 to 4096, default 2048. */
      readonly rsaMinimumBits?: number
      /** Added to digitalSignature. */
      readonly keyUsage?: readonly 'nonRepudiation'[]
    }
  | {
      readonly keys: readonly ('P-256' | 'P-384')[]
      readonly rsaMinimumBits?: never
      readonly keyUsage: readonly ('nonRepudiation' | 'keyAgreement')[]
    }
  | {
      readonly keys: readonly 'RSA'[]
      readonly rsaMinimumBits?: number
      readonly keyUsage: readonly ('nonRepudiation' | 'keyEncipherment')[]
    }

/** Certificates for devices: clientAuth. Without an end only by choice. */
export type DeviceProfile = {
  /** Default. */
  readonly kind?: 'device'
  /** OIDs of further key purposes. Never anyExtendedKeyUsage, OCSPSigning or timeStamping. With serverAuth the request must name a DNS name or an IP address. */
  readonly extendedKeyUsage?: readonly string[]
} & AnyProfile &
  (Ending | Endless) &
  KeyOptions

/** Certificates for the backend's own clients, {@link DeviceProfile} with an end and no further purpose. */
export type ServiceProfile = { readonly kind?: 'device'; readonly extendedKeyUsage?: never } & AnyProfile &
  Ending &
  KeyOptions

/** What may be said of the profile `server`, whose kind is known. */
export type ServerOptions = {
  /** Adds clientAuth, for a broker that also dials out (a bridge). Default false. */
  readonly clientAuth?: boolean
  readonly extendedKeyUsage?: never
} & AnyProfile &
  Ending &
  KeyOptions

/** Certificates for brokers and hubs: serverAuth. */
export type ServerProfile = { readonly kind: 'server' } & ServerOptions

/** What an operator says of a kind of certificate. `kind` is what it builds on; without one, `device`. What cannot be combined does not compile, and is `ERR_PKI_PROFILE` at run time. */
export type CertificateProfile = DeviceProfile | ServerProfile

/** Profiles of a fleet by name. `device`, `service` and `server` change the built-in ones; `service` follows `device` unless it is given. Other names are new profiles. */
export interface CertificateProfiles {
  /** For `fleet.enroll` where nothing else is said. */
  readonly device?: DeviceProfile
  /** For `fleet.enroll` with `role: 'service'`. */
  readonly service?: ServiceProfile
  /** For `fleet.issueServer` where nothing else is said. */
  readonly server?: ServerProfile | (ServerOptions & { readonly kind?: never })
  readonly [name: string]: CertificateProfile | undefined
}
