import type { CrlReason, IoOptions } from '@fleetcert/x509'
import type { CertificateId, CertificateRecord, Cursor, FleetEvent, Reservation } from '../store/store.ts'
import type { SubjectName } from './subject-names.ts'

export interface EnrollRequest {
  /** PEM or DER of a PKCS #10 request (RFC 2986), at most 16 KiB. The key stays on the device; names in it are ignored. */
  readonly csr?: string | Uint8Array
  /** `service` is the backend itself: operators only. Default `device`. */
  readonly role?: 'device' | 'service'
  /** The same alphabet as a device id: it goes into topics. */
  readonly owner?: string
  /** For topic templates; values follow the rule for device ids. */
  readonly attributes?: Readonly<Record<string, string>>
  /** 60 or more. Default: the profile's, one year. */
  readonly validitySeconds?: number
  /** A profile of `openFleet`'s, of the kind `device`: `ERR_PKI_PROFILE` if there is none of that name. Default: the role's own. */
  readonly profile?: string
  /** Names for SubjectAltName beside `urn:fleetcert:device:<deviceId>`, at most 100; `ERR_PKI_NAME`. */
  readonly subjectAltName?: readonly SubjectName[]
}

export interface RenewRequest {
  /** As in {@link EnrollRequest}; without it a key is made here and returned once. */
  readonly csr?: string | Uint8Array
  readonly validitySeconds?: number
  /** Default: the profile that the certificate was made with. */
  readonly profile?: string
  /** In place of the names that were added at enrolment, which otherwise stay. */
  readonly subjectAltName?: readonly SubjectName[]
  /** How long the old certificate stays good beside the new one. Default one day; 0 ends it at once. */
  readonly overlapSeconds?: number
}

export interface DeviceCredential {
  readonly deviceId: string
  /** PEM, the end entity alone. */
  readonly certificate: string
  /** PEM, the issuing CA first; neither end entity nor root. */
  readonly chain: string
  /** PEM. */
  readonly trustAnchors: string
  /** PKCS #8 PEM; only when the key was made here, and only this once. */
  readonly privateKey?: string
  /** `AA:BB:…`, SHA-256. */
  readonly fingerprint: string
  /** Lower-case hex, even length. */
  readonly serialNumber: string
  /** Lower-case hex, SHA-256 of the issuer's SubjectPublicKeyInfo. */
  readonly issuerKeyId: string
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface ServerCredential extends Omit<DeviceCredential, 'deviceId'> {
  readonly hosts: readonly string[]
}

export type DeviceStatus = 'active' | 'revoked' | 'held' | 'superseded' | 'expired' | 'notYetValid'

export interface DeviceRecord {
  readonly deviceId: string
  readonly role: 'device' | 'service'
  readonly owner?: string
  readonly attributes: Readonly<Record<string, string>>
  /** Of the newest active certificate, or else of the newest. */
  readonly status: DeviceStatus
  /** `AA:BB:…`, of the same certificate, like all that follows. */
  readonly fingerprint: string
  readonly serialNumber: string
  readonly issuerKeyId: string
  readonly createdAt: Date
  readonly notBefore: Date
  readonly notAfter: Date
  readonly revokedAt?: Date
  readonly reason?: CrlReason
}

export interface DeviceQuery {
  readonly owner?: string
  readonly status?: DeviceStatus
  readonly expiringBefore?: Date
  /** Go on behind this device id. */
  readonly after?: string
  /** Stop after so many; default: all. */
  readonly limit?: number
}

/** What a certificate is worth now. Only `active` lets anybody in. */
export type Identification =
  | { readonly status: 'active'; readonly device: DeviceRecord; readonly certificate: CertificateRecord }
  | {
      readonly status: 'revoked' | 'held' | 'superseded' | 'expired' | 'notYetValid'
      readonly device: DeviceRecord
      readonly certificate: CertificateRecord
      readonly reason?: CrlReason
    }
  | { readonly status: 'unknown' }

export interface IssuerRecord {
  /** Lower-case hex. */
  readonly issuerKeyId: string
  readonly role: 'root' | 'issuingCa'
  /** PEM. */
  readonly certificate: string
  readonly serialNumber: string
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface SignedCrl {
  readonly issuerKeyId: string
  readonly shard: number
  readonly der: Uint8Array
  readonly pem: string
  readonly crlNumber: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}

export interface RevokeRequest {
  /** Default `unspecified`. `removeFromCRL` is not a reason to revoke. */
  readonly reason?: CrlReason
  /** Since when the key is thought to be compromised (RFC 5280 section 5.3.2). */
  readonly invalidityDate?: Date
}

export interface Enforcement {
  /** Enforcers that confirmed silence. */
  readonly confirmed: readonly string[]
  /** Not done within the time limit; it goes on. */
  readonly pending: readonly string[]
  readonly failed: readonly { readonly name: string; readonly error: unknown }[]
}

export interface RevocationResult {
  readonly deviceId?: string
  readonly revocationDate: Date
  readonly reason: CrlReason
  /** What this call revoked; empty if all was revoked before. */
  readonly certificates: readonly CertificateId[]
  /** Never rejects. All three lists are empty when the fleet has no enforcer. */
  readonly enforced: Promise<Enforcement>
}

/** Closes a device's live sessions on one broker and confirms it (DESIGN 7). */
export interface Enforcer {
  readonly name: string
  silence(
    target: { readonly deviceId: string; readonly clientIds: readonly string[] },
    options: IoOptions,
  ): Promise<'gone' | 'wasNotConnected'>
}

/** A fleet of devices and its CAs. Made by `openFleet`. */
export interface Fleet extends AsyncDisposable {
  readonly status: 'ready' | 'awaitingIssuer'
  /** PEM: what brokers and devices trust now. */
  readonly trustAnchors: string
  issuers(options?: IoOptions): AsyncIterable<IssuerRecord>
  /**
   * Makes the first certificate of a device. With `csr` the key stays on the device; without, a P-256 key is made here and returned once, never stored.
   * Rejects `ERR_PKI_DEVICE_ID`, `ERR_PKI_DEVICE_EXISTS` (a live certificate is there: renew), `ERR_PKI_CSR`, `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY`, `ERR_PKI_KEY_BLOCKED`, `ERR_PKI_VALIDITY`,
   * `ERR_PKI_SIGNER`, `ERR_PKI_STORE_UNAVAILABLE`. Nothing is half done.
   */
  enroll(deviceId: string, request?: EnrollRequest, options?: IoOptions): Promise<DeviceCredential>
  /** A new certificate beside the old one, which is superseded when the overlap ends. Owner, role and attributes stay. Rejects also `ERR_PKI_DEVICE_UNKNOWN`, `ERR_PKI_DEVICE_NOT_ACTIVE`, `ERR_PKI_DEVICE_CLOSED`, `ERR_PKI_RENEWAL_BUSY`. */
  renew(deviceId: string, request?: RenewRequest, options?: IoOptions): Promise<DeviceCredential>
  /** A certificate for a broker or hub, by DNS names and IP addresses. Default one year. */
  issueServer(
    request: {
      readonly hosts: readonly string[]
      readonly csr?: string | Uint8Array
      readonly validitySeconds?: number
      /** A profile of `openFleet`'s, of the kind `server`. */
      readonly profile?: string
      /** Further names for SubjectAltName. */
      readonly subjectAltName?: readonly SubjectName[]
    },
    options?: IoOptions,
  ): Promise<ServerCredential>
  /** A bare string is always a device id: all its certificates end. Rejects `ERR_PKI_DEVICE_UNKNOWN`, `ERR_PKI_CERTIFICATE_UNKNOWN`, `ERR_PKI_CA_IN_USE`. Revoking what is revoked answers the first revocation, save that keyCompromise outweighs every other reason. */
  revoke(
    target: string | { readonly fingerprint: string } | CertificateId,
    request?: RevokeRequest,
    options?: IoOptions,
  ): Promise<RevocationResult>
  /** Takes back a `certificateHold` and nothing else; whether there was one. A device id stands for all its held certificates. */
  release(target: string | { readonly fingerprint: string } | CertificateId, options?: IoOptions): Promise<boolean>
  /** O(1). Never `active` for a row that is missing; rejects when the store is down or the clock is off (`ERR_PKI_CLOCK`). */
  identify(
    evidence: { readonly der: Uint8Array } | { readonly fingerprint: string },
    options?: IoOptions,
  ): Promise<Identification>
  device(deviceId: string, options?: IoOptions): Promise<DeviceRecord | undefined>
  devices(query?: DeviceQuery, options?: IoOptions): AsyncIterable<DeviceRecord>
  /** Intents: what may have been signed and was not recorded as issued. */
  pending(options?: IoOptions): AsyncIterable<CertificateRecord>
  /** The current CRL of an issuer (default: the issuing CA); built when there is none, when revocations are newer than it, or when it is about to age. */
  crl(request?: { readonly issuerKeyId?: string; readonly shard?: number }, options?: IoOptions): Promise<SignedCrl>
  /** The ledger from `after` on, then whatever comes, until aborted. */
  events(options?: {
    readonly after?: Cursor
    readonly follow?: boolean
    readonly signal?: AbortSignal
  }): AsyncIterable<FleetEvent>
  close(): Promise<void>
}

export type { Reservation }
