import type { CrlReason, IoOptions } from '@fleetcert/x509'
import type { BackupOptions } from '../backup/backup-fleet.ts'
import type { OcspAnswer } from '../revocation/ocsp/ocsp-answer.ts'
import type {
  CertificateId,
  CertificateRecord,
  CertificateRole,
  Cursor,
  FleetEvent,
  Reservation,
} from '../store/store.ts'
import type { IdentityCounters } from './identity-view/identity-counters.ts'
import type { AuthorityRole, AuthorityState } from './issuers/authority-record.ts'
import type { IssuerOperations } from './issuers/issuer-operations.ts'
import type { Confirmation, ConfirmRequest } from './renewal/confirm.ts'
import type { RenewalSchedule, RenewalScheduleRequest } from './renewal/renewal-schedule.ts'
import type { RenewalInfo } from './renewal/renewals.ts'
import type { SubjectName } from './subject-names.ts'
import type { CreateTokenRequest, DeviceToken } from './tokens/device-token.ts'

/** For whom a backup is, and who is told how far it is. */
export type FleetBackupRequest = Pick<BackupOptions, 'recipients' | 'passphrase' | 'onProgress' | 'signal'>

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
  /**
   * A one-time token of `createToken`, by which a device enrols itself. With it `csr` is needed, and nothing else may be said: profile, owner and attributes are the token's. Asked again with the same key, as a device
   * does that heard no answer, it answers the same certificate until the token expires.
   */
  readonly token?: string
}

export interface RenewRequest {
  /** As in {@link EnrollRequest}; without it a key is made here and returned once. */
  readonly csr?: string | Uint8Array
  readonly validitySeconds?: number
  /** Default: the profile that the certificate was made with. */
  readonly profile?: string
  /** In place of the names that were added at enrolment, which otherwise stay. */
  readonly subjectAltName?: readonly SubjectName[]
  /** How long the old certificate stays good beside the new one. Default one day; 0 ends it at once. Not with `presented`. */
  readonly overlapSeconds?: number
  /**
   * The device asks by itself: `AA:BB:…` of the certificate by which it has proven who it is. It must be this device's and active. It stays good until `confirm` says that the new one is in use, or to its own end, so that
   * no lost answer strands a device. Asked again with the same key: the same certificate. `csr` is needed.
   */
  readonly presented?: string
  /** With `presented`: one that has expired no longer than that may be renewed, too. Forgives nothing else. Default 0. */
  readonly graceSeconds?: number
}

export interface RegisterRequest {
  /** The same alphabet as a device id: it goes into topics. */
  readonly owner?: string
  /** For topic templates; values follow the rule for device ids. */
  readonly attributes?: Readonly<Record<string, string>>
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
  | {
      readonly status: 'active'
      readonly device: DeviceRecord
      readonly certificate: CertificateRecord
      /** The store is away, and this is what was known then: only where `lastKnownWhileStoreIsAway` was chosen. */
      readonly lastKnownAt?: Date
    }
  | {
      readonly status: 'revoked' | 'held' | 'superseded' | 'expired' | 'notYetValid'
      readonly device: DeviceRecord
      readonly certificate: CertificateRecord
      readonly reason?: CrlReason
      /** Nothing but the revocation of its CA stands against it: until then the device may renew by it, and do nothing else. */
      readonly renewableUntil?: Date
    }
  | { readonly status: 'unknown' }

/** A certificate as it was shown: its octets, or their SHA-256 as `AA:BB:…` or hexadecimal. */
export type CertificateEvidence = { readonly der: Uint8Array } | { readonly fingerprint: string }

/** Options of {@link Fleet.identify}. */
export interface IdentifyOptions extends IoOptions {
  /** Answers at once, from memory, or rejects `ERR_PKI_BUSY`: for whoever has more questions than the store can answer. Default false. */
  readonly fromMemory?: boolean
  /** The record in the answer holds the DER in any case, which takes a look into the store. Default false. */
  readonly withDer?: boolean
}

/** A CA of a fleet. */
export interface IssuerRecord {
  /** Lower-case hex. */
  readonly issuerKeyId: string
  readonly role: AuthorityRole
  readonly state: AuthorityState
  /** Whether its key is another's: an external root, or a CA between it and ours. */
  readonly isForeign: boolean
  /** PEM. */
  readonly certificate: string
  /** PEM: certificates for the same key and name by other roots of the fleet. */
  readonly crossCertificates: string
  readonly serialNumber: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** Whose key signs in its name in this process; see `hotIssuer` of `openFleet`. Those before it, and those of other processes, are in the ledger, and in the chain of what they have signed. */
  readonly hotIssuer?: {
    /** PEM: of another key, by the same name. */
    readonly certificate: string
    /** Of that certificate; its issuer is this CA. */
    readonly serialNumber: string
    /** From then on it signs nothing; another one is made before. */
    readonly usedUntil: Date
  }
}

export interface SignedCrl {
  readonly issuerKeyId: string
  readonly shard: number
  /** Whether it is a delta CRL: it says what has changed, not all that is revoked. */
  readonly delta: boolean
  /**
   * Whether it lists every revocation that was made before it was asked for. `false`: a new one could not be made (another process that died holds the lease, the key is away, the signer fails), and the last one, which is this, has not ended.
   */
  readonly upToDate: boolean
  /** One array, made of `parts` at the first time. Shared by all who ask: do not write to it. */
  readonly der: Uint8Array
  /** The same octets in order, at most 1 MiB each, for whoever sends or hashes them piece by piece. Shared, too. */
  readonly parts: readonly Uint8Array[]
  /** Made at the first time. */
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

/**
 * Which certificates to end together; exactly one of these.
 * What is asked for is ended in every state: certificates that are held, superseded or expired, and reservations, too. The fleet's own CAs never are.
 */
export type RevokeAllQuery =
  /** SubjectPublicKeyInfo, DER: everything with this key, of whatever device. With `keyCompromise` the key is blocked before anything else, also one that no certificate has yet. */
  | { readonly publicKey: Uint8Array }
  /** Everything that was made for this owner, and the devices with it: their enrolment tokens and renewals are void. */
  | { readonly owner: string }
  /** Everything that was made with this attribute, such as a production batch, and the devices with it, as for an owner. */
  | { readonly attribute: { readonly name: string; readonly value: string } }
  /** What was issued or pinned for devices, services and servers from `from` on and before `before`, such as what a station issued while it was in the wrong hands. A certificate that was renewed since has another date. */
  | { readonly issued: { readonly from: Date; readonly before: Date } }
  /** Whole devices, as `revoke(deviceId)` ends them, in this order. */
  | { readonly deviceIds: readonly string[] }

export interface RevokeAllOptions extends IoOptions {
  /** Where an earlier call with the same query and reason had come to: `cursor` of its last page. Without it everything is looked at again, and nothing is revoked twice. */
  readonly after?: Cursor
  /** Told after each page, and waited for before the next. What it throws ends the call; the page stays revoked. */
  readonly onPage?: (page: RevokedPage) => void | Promise<void>
}

/** Part of a `revokeAll` that is done and durable. */
export interface RevokedPage {
  readonly certificates: readonly CertificateId[]
  /** Whose sessions are being closed, each once. */
  readonly devices: readonly string[]
  /** Keep it to go on from here; absent after the last page. */
  readonly cursor?: Cursor
}

export interface RevokeAllResult {
  /** How many certificates and reservations this call ended: 0 when all were revoked before, or there are none. */
  readonly certificates: number
  /** Of `deviceIds`: those that this fleet does not know. */
  readonly unknown: readonly string[]
  /** Never rejects; settles when every device was asked for, at most a hundred at a time, each within `enforceTimeoutSeconds`. */
  readonly enforced: Promise<EnforcementCount>
}

/** How many devices were silenced. All are 0 when the fleet has no enforcer. */
export interface EnforcementCount {
  /** By every enforcer. */
  readonly confirmed: number
  /** Some enforcer was not done within the time limit. */
  readonly pending: number
  /** Some enforcer failed. */
  readonly failed: number
  /** Devices that are pending or failed, the first thousand. */
  readonly unconfirmed: readonly string[]
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
  /** What this call revoked; empty if all was revoked before. With `keyCompromise`, those of other devices that have a compromised key are among them. */
  readonly certificates: readonly CertificateId[]
  /** Whose sessions are closed: the device, and with `keyCompromise` or by key every other that something of was ended. */
  readonly devices: readonly string[]
  /** Never rejects. An enforcer has `confirmed` when it has for every device; a hundred devices are asked for at a time, each within `enforceTimeoutSeconds`. All three lists are empty when the fleet has no enforcer. */
  readonly enforced: Promise<Enforcement>
}

/** What an enforcer is asked about. */
export interface EnforcementTarget {
  readonly deviceId: string
  /** Client ids of the device that are known; its own id at the least. */
  readonly clientIds: readonly string[]
}

/** A device that may connect, or may do so again. */
export interface AdmissionTarget extends EnforcementTarget {
  /** What happened last. */
  readonly cause: 'issued' | 'renewed' | 'registered' | 'released'
  readonly role: CertificateRole
  /** Its newest certificate that is good now, DER. */
  readonly certificate: Uint8Array
}

/** Closes a device's live sessions on one broker and confirms it. */
export interface Enforcer {
  /** Says which broker it is, in results and receipts. Enforcers of different brokers need different names, in all processes of a fleet. */
  readonly name: string
  /** Every process reaches the same sessions by it, as by a management API: then one process does for all what the ledger asks for. Without it, sessions are those of this process, and each process asks its own. */
  readonly shared?: boolean
  /** How long `silence` may need where that is more than `enforceTimeoutSeconds`: whoever revoked hears `pending` then, and the receipt comes later. */
  readonly attemptSeconds?: number
  /** Resolves when no session of the device is left and none can come any more. May be asked again for what it has done already. */
  silence(target: EnforcementTarget, options: IoOptions): Promise<'gone' | 'wasNotConnected'>
  /**
   * Told, within a second or so and behind every `silence` that came before, that a device has got a certificate or that its hold was released: to make the certificate known. When several things happen at once, of the
   * last. Needs a process with a background; so does `readmit`.
   */
  admit?(target: AdmissionTarget, options: IoOptions): Promise<void>
  /** The same, but only of devices of which something was revoked or held before: to lift a ban. Not asked where there is `admit`. */
  readmit?(target: AdmissionTarget, options: IoOptions): Promise<void>
}

/** A fleet of devices and its CAs. Made by `openFleet`. */
export interface Fleet extends IssuerOperations, AsyncDisposable {
  /** `awaitingIssuer`: no CA issues, as long as an external root has not signed the first one. All that asks for a certificate rejects `ERR_PKI_AWAITING_ISSUER`. */
  readonly status: 'ready' | 'awaitingIssuer'
  /**
   * PEM: what brokers and devices trust now, as this process last heard. The fleet's roots first, then what `openFleet({ alsoTrust })` names. Changes with a rollover: another process's is heard of within a second,
   * without a background at the next call that needs it.
   */
  readonly trustAnchors: string
  /** All CAs, whatever their state, in the order in which the fleet got them. */
  issuers(options?: IoOptions): AsyncIterable<IssuerRecord>
  /**
   * Makes the first certificate of a device. With `csr` the key stays on the device; without, a P-256 key is made here and returned once, never stored.
   * Rejects `ERR_PKI_DEVICE_ID`, `ERR_PKI_DEVICE_EXISTS` (a live certificate is there: renew), `ERR_PKI_CSR`, `ERR_PKI_CSR_SIGNATURE`, `ERR_PKI_KEY_POLICY`, `ERR_PKI_KEY_BLOCKED`, `ERR_PKI_VALIDITY`,
   * `ERR_PKI_SIGNER`, `ERR_PKI_STORE_UNAVAILABLE`; with a token also `ERR_PKI_TOKEN` (unknown, or another device's), `ERR_PKI_TOKEN_EXPIRED`, `ERR_PKI_TOKEN_SPENT`, `ERR_PKI_ENROLLMENT_BUSY`, `ERR_PKI_DEVICE_CLOSED`
   * (the device was revoked since the token was made). Nothing is half done, and no token is burnt for nothing.
   */
  enroll(deviceId: string, request?: EnrollRequest, options?: IoOptions): Promise<DeviceCredential>
  /** A new certificate beside the old one, which is superseded when the overlap ends. Owner, role and attributes stay. Rejects also `ERR_PKI_DEVICE_UNKNOWN`, `ERR_PKI_DEVICE_NOT_ACTIVE`, `ERR_PKI_DEVICE_CLOSED`, `ERR_PKI_RENEWAL_BUSY`; with `presented` also `ERR_PKI_CERTIFICATE_UNKNOWN`, `ERR_PKI_FINGERPRINT`, and `ERR_PKI_RENEWAL_LIMIT` for a device that renews over and over. */
  renew(deviceId: string, request?: RenewRequest, options?: IoOptions): Promise<DeviceCredential>
  /**
   * The device uses its new certificate: those that it has replaced end, after a short overlap. Asked again, nothing is left to end. A renewal with the new certificate confirms it, too.
   * Rejects `ERR_PKI_CERTIFICATE_UNKNOWN` (also for one of another device), `ERR_PKI_DEVICE_NOT_ACTIVE`, `ERR_PKI_FINGERPRINT`, `ERR_PKI_VALIDITY`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  confirm(deviceId: string, request: ConfirmRequest, options?: IoOptions): Promise<Confirmation>
  /**
   * A one-time token by which a device enrols itself: bound to its id, and to what its certificate will say. Shown once; the fleet keeps its hash. Revoking the device, also one that has no certificate yet, voids the
   * tokens that were made before. Rejects `ERR_PKI_DEVICE_ID`, `ERR_PKI_PROFILE`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  createToken(request: CreateTokenRequest, options?: IoOptions): Promise<DeviceToken>
  /**
   * When a device should renew that certificate: around two thirds of its lifetime, or when the operator scheduled it (RFC 9773 in spirit). The device draws a moment inside the window itself.
   * Rejects `ERR_PKI_CERTIFICATE_UNKNOWN`, `ERR_PKI_DEVICE_NOT_ACTIVE` (revoked, held or superseded), `ERR_PKI_FINGERPRINT`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  renewalInfo(request: { readonly fingerprint: string }, options?: IoOptions): Promise<RenewalInfo>
  /**
   * Hurries or spreads the renewal of many certificates, until it is withdrawn. Of several schedules for a certificate the one that was made last counts; no window ends after notAfter.
   * At most 64 at a time: `ERR_PKI_RENEWAL_SCHEDULES`. Rejects also `ERR_PKI_VALIDITY`, `ERR_PKI_DEVICE_ID`, `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  scheduleRenewals(request: RenewalScheduleRequest, options?: IoOptions): Promise<RenewalSchedule>
  /** In the order in which they were made. */
  renewalSchedules(options?: IoOptions): Promise<readonly RenewalSchedule[]>
  /** Whether there was a schedule of that id. */
  withdrawRenewals(id: string, options?: IoOptions): Promise<boolean>
  /**
   * Pins a certificate that is not this fleet's, self-signed or of another CA, PEM or DER: from then on it is the device's, as it is, by all its octets. Nobody has verified who issued it: the caller says whose it is.
   * A device may have several, and issued ones beside them. The same one for the same device again is no error; a revocation of it stays.
   * Rejects `ERR_PKI_DEVICE_ID`, `ERR_PKI_CERTIFICATE` (also for one that names a CA of this fleet as its issuer), `ERR_PKI_KEY_POLICY`, `ERR_PKI_KEY_BLOCKED`, `ERR_PKI_VALIDITY`, `ERR_PKI_PIN_TAKEN` (another
   * device's, or another certificate of that issuer and serial number is there), `ERR_PKI_CLOCK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  register(
    deviceId: string,
    certificate: string | Uint8Array,
    request?: RegisterRequest,
    options?: IoOptions,
  ): Promise<DeviceRecord>
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
  /**
   * A bare string is always a device id: all its certificates end. `publicKey` is a SubjectPublicKeyInfo, DER: all certificates with that key end, of whatever device. Rejects `ERR_PKI_DEVICE_UNKNOWN`,
   * `ERR_PKI_CERTIFICATE_UNKNOWN`, `ERR_PKI_CA_IN_USE`; for a key that is none `ERR_PKI_DER`, `ERR_PKI_CERTIFICATE` or `ERR_PKI_TOO_LARGE`. Revoking what is revoked answers the first revocation, save that
   * keyCompromise outweighs every other reason.
   *
   * `keyCompromise` is said of a key, not of a certificate: the key is blocked for good, and every other certificate with it ends, too, before this resolves. A call that rejected or was cut short may have ended some of them:
   * the same call again ends the rest. A key that no certificate has is blocked by `{ publicKey }` with `keyCompromise`.
   */
  revoke(
    target: string | { readonly fingerprint: string } | CertificateId | { readonly publicKey: Uint8Array },
    request?: RevokeRequest,
    options?: IoOptions,
  ): Promise<RevocationResult>
  /**
   * Ends many certificates: by key, owner, attribute, time of issuing, or a list of devices. Works in pages, each durable on its own, and resolves when all are done. Nothing is revoked twice: after a crash, an
   * abort or a failure the same call again goes on, from the beginning, or from the cursor of the last page that `onPage` was told of. Several processes may run the same call. What is begun while it
   * runs, such as a renewal, ends with it; what is enrolled anew afterwards does not.
   *
   * Rejects with the signal's reason, `ERR_PKI_CURSOR` for a cursor of another query, `ERR_PKI_DEVICE_ID`, `ERR_PKI_CA_IN_USE`, `ERR_PKI_STORE_UNAVAILABLE`; `TypeError` for a query that names nothing, or two things.
   */
  revokeAll(query: RevokeAllQuery, request?: RevokeRequest, options?: RevokeAllOptions): Promise<RevokeAllResult>
  /** Takes back a `certificateHold` and nothing else; whether there was one. A device id stands for all its held certificates. */
  release(target: string | { readonly fingerprint: string } | CertificateId, options?: IoOptions): Promise<boolean>
  /**
   * What a certificate is worth now. O(1), and from memory for what was asked for before: a revocation made here counts at once, another process's within a second. Never `active` for a row that is missing; rejects when
   * the store is down (whatever is in memory) or the clock is off (`ERR_PKI_CLOCK`). The record in the answer holds the DER where it was given, and of pinned certificates.
   */
  identify(evidence: CertificateEvidence, options?: IdentifyOptions): Promise<Identification>
  /** How {@link Fleet.identify} answered so far, for metrics. */
  identityCounters(): IdentityCounters
  device(deviceId: string, options?: IoOptions): Promise<DeviceRecord | undefined>
  devices(query?: DeviceQuery, options?: IoOptions): AsyncIterable<DeviceRecord>
  /** Intents: what may have been signed and was not recorded as issued. */
  pending(options?: IoOptions): AsyncIterable<CertificateRecord>
  /**
   * The current CRL of an issuer (default: the issuing CA) and shard (default: 0); built when there is none, when revocations are newer than it, or when it is about to age. With `delta`, the delta CRL beside it (option `crl.delta`).
   * Where a new one cannot be made and the last one has not ended, the last one: `upToDate` says so. Rejects `ERR_PKI_ISSUER_UNKNOWN`, `ERR_PKI_CRL_UNKNOWN`, `ERR_PKI_CLOCK`; where there is no last one also
   * `ERR_PKI_KEY_MISSING`, `ERR_PKI_SIGNER`, `ERR_PKI_CRL_CHECK`, `ERR_PKI_STORE_UNAVAILABLE`.
   */
  crl(
    request?: { readonly issuerKeyId?: string; readonly shard?: number; readonly delta?: boolean },
    options?: IoOptions,
  ): Promise<SignedCrl>
  /**
   * Answers an OCSP request, DER (RFC 6960 in the profile of RFC 9919). Whatever is wrong with the request, the store or the key is an answer, and no rejection: `malformedRequest` and the like. Never `good` for what was
   * never issued here, or revoked; another process's revocation is heard of within a second. Rejects `ERR_PKI_CLOSED`, and with the reason of an abort.
   */
  ocsp(request: Uint8Array, options?: IoOptions): Promise<OcspAnswer>
  /** The ledger from `after` on, then whatever comes, until aborted; with `follow: false` it ends with the last entry there is. */
  events(options?: {
    readonly after?: Cursor
    readonly follow?: boolean
    readonly signal?: AbortSignal
  }): AsyncIterable<FleetEvent>
  /**
   * The whole fleet as one encrypted file, piece by piece, while it goes on working: `backupFleet` of `@fleetcert/core/backup` with this fleet's store, keys and clock; `writeBackup` there puts it on a disk, `restoreFleet` brings it
   * back. Either `recipients` (age: `age1…`) or a `passphrase`. While iterating rejects `ERR_PKI_AWAITING_ISSUER`, `ERR_PKI_KEY_MISSING` of the issuing CA, `ERR_PKI_CLOSED`.
   */
  backup(request: FleetBackupRequest): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export type { Reservation }
