import type { CrlReason, IoOptions } from '@fleetcert/x509'
import type { TransferStore } from './store-records.ts'

/** A certificate's identity is always this pair: serial numbers are unique per issuer only (RFC 5280 section 4.1.2.2). */
export interface CertificateId {
  /** Lower-case hex, SHA-256 of the issuer's SubjectPublicKeyInfo. */
  readonly issuerKeyId: string
  /** Lower-case hex of even length. */
  readonly serialNumber: string
}

/** An opaque place in a listing or in the ledger. Order is the store's business; the empty string is the beginning. */
export type Cursor = string

export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; absent on the last page of a listing. The ledger always names one. */
  readonly next?: Cursor
}

/** What a certificate is for. `root` and `issuingCa` are the fleet's own CAs. */
export type CertificateRole = 'device' | 'service' | 'server' | 'issuingCa' | 'root' | 'ocspResponder' | 'custom'

/** What happened, in the past tense. */
export type FleetEventType =
  | 'fleetCreated'
  | 'issuing'
  | 'issued'
  | 'renewed'
  | 'abandoned'
  | 'registered'
  | 'revoked'
  | 'held'
  | 'released'
  | 'keyBlocked'
  | 'superseded'
  | 'tokenCreated'
  | 'renewalsScheduled'
  | 'renewalsWithdrawn'
  | 'crlPublished'
  | 'enforced'
  | 'settingsChanged'
  | 'issuersChanged'
  | 'restored'

/** What core hands to a store; the store adds `sequence`. */
export interface FleetEventInput {
  readonly type: FleetEventType
  readonly at: Date
  readonly deviceId?: string
  readonly certificate?: CertificateId
  /** `AA:BB:…`, SHA-256. */
  readonly fingerprint?: string
  /** Flat, JSON-safe, never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}
export type Events = readonly FleetEventInput[]

export interface FleetEvent extends FleetEventInput {
  /** Rises in commit order: whoever has read N never meets a later entry below N. */
  readonly sequence: number
  /** Pass it as `after` to go on behind this event. */
  readonly cursor: Cursor
}

/** The process that made a reservation, and until when it is alive at the least. */
export interface Holder {
  /** Random per process. */
  readonly instance: string
  readonly leaseUntil: Date
}

export interface Revocation {
  readonly revocationDate: Date
  readonly reason: CrlReason
  readonly invalidityDate?: Date
}

/** What both a reservation and a certificate say. */
export interface CertificateSubject {
  readonly id: CertificateId
  readonly role: CertificateRole
  /** Name of the profile it was made with. */
  readonly profile: string
  /** Of devices and services. */
  readonly deviceId?: string
  readonly owner?: string
  readonly attributes?: Readonly<Record<string, string>>
  /** SHA-256 of SubjectPublicKeyInfo, 32 octets. */
  readonly publicKeyHash: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  /** The CRL shard baked into its CRLDistributionPoints at issuance; 0 where there is one CRL. */
  readonly shard: number
  readonly createdAt: Date
}

/**
 * What must hold for a reservation to be taken:
 * `newDevice`: no live certificate (issued or pinned, not revoked for good, not superseded and not expired at `createdAt`) and no live reservation of that device id;
 * `supersedes`: the certificate of that fingerprint is the device's, not revoked, not superseded, and no other live reservation renews it; at commit it is superseded at `at`. One that is superseded later than
 * `createdAt`, by a certificate that has been revoked for good since, with all that has superseded that one in turn, counts as not superseded: it is the device's best again. Its end then moves to `at` only if that is earlier;
 * `any`: nothing.
 *
 * A hold (`certificateHold`) can be taken back, so what is held still stands in the way of `newDevice`, and cannot be renewed.
 */
export type Expectation = 'newDevice' | 'any' | { readonly supersedes: Uint8Array; readonly at: Date }

/** The durable intent to sign: exactly the bytes that may have been signed when a process dies. */
export interface Reservation extends CertificateSubject {
  /** The linted TBSCertificate, DER. */
  readonly tbsCertificate: Uint8Array
  readonly holder: Holder
  readonly expect: Expectation
  /** SHA-256 of the enrolment token that this reservation spends. */
  readonly tokenHash?: Uint8Array
}

/** `pinned`: registered, not issued here. `abandoned`: may have been signed, was never returned; revocable and in CRL scope. */
export type CertificateState = 'reserved' | 'abandoned' | 'issued' | 'pinned'

export interface CertificateRecord extends CertificateSubject {
  readonly state: CertificateState
  /** The certificate, DER; absent for reservations. */
  readonly der?: Uint8Array
  /** The reserved TBSCertificate; absent once committed. */
  readonly tbsCertificate?: Uint8Array
  /** SHA-256 of `der`, 32 octets; absent for reservations. */
  readonly fingerprint?: Uint8Array
  readonly revocation?: Revocation
  /** From then on it is superseded by a renewed one. */
  readonly supersededAt?: Date
  /** Of open reservations only. */
  readonly holder?: Holder
}

/** Whether a certificate was issued and is revoked. */
export type CertificateStatus = Pick<CertificateRecord, 'state' | 'revocation'>

export interface PinnedCertificate extends CertificateSubject {
  readonly der: Uint8Array
  /** SHA-256 of `der`, 32 octets. */
  readonly fingerprint: Uint8Array
}

/**
 * Which certificates to end together, whatever their state: certificates and reservations, in the order in which they were reserved or registered, those of before a page first and those that came meanwhile last.
 * `key`: all with one public key, of whatever device. `owner`, `attribute`: all that say so. `created`: those of devices, services and servers (the roles `device`, `service`, `server` and `custom`) that were
 * reserved or registered (`createdAt`) from `from` on and before `before`; by that date first.
 */
export type RevocationQuery =
  | { readonly list: 'key'; readonly publicKeyHash: Uint8Array }
  | { readonly list: 'owner'; readonly owner: string }
  | { readonly list: 'attribute'; readonly name: string; readonly value: string }
  | { readonly list: 'created'; readonly from: Date; readonly before: Date }

/**
 * Which certificates to list. `device`: all of one device, newest first, in every state. `devices`: the newest issued or pinned certificate of each device, by device id.
 * `reserved`: open reservations, oldest first. `pending`: what may have been signed and was neither recorded as issued nor revoked for good: reserved and abandoned ones, oldest first. Filters (`owner`, `expiringBefore`, `role`) narrow `devices`: they look at each device's newest certificate alone.
 * Newest is what was reserved or registered last. The cursor of `devices` is the last device id of the page: any device id may be given.
 */
export type CertificateQuery =
  | { readonly list: 'device'; readonly deviceId: string }
  | {
      readonly list: 'devices'
      readonly owner?: string
      readonly expiringBefore?: Date
      readonly role?: CertificateRole
    }
  | { readonly list: 'reserved' }
  | { readonly list: 'pending' }
  | RevocationQuery

/** What a page of {@link Store.revokeAll} has ended. */
export interface EndedCertificate {
  readonly id: CertificateId
  readonly deviceId?: string
}

/** One CRL's scope: an issuer and a shard. */
export interface CrlScope {
  readonly issuerKeyId: string
  readonly shard: number
}

/** One of the two CRLs that a scope may have: the full one, or with `delta` the one of what changed. They share the scope's numbers (RFC 5280 section 5.2.3). */
export interface CrlName extends CrlScope {
  readonly delta?: boolean
}

export interface RevokedEntry {
  readonly serialNumber: string
  readonly revocation: Revocation
  readonly notAfter: Date
}

/** A signed CRL without its octets. */
export interface CrlHead {
  readonly crlNumber: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Core's own words about it, kept as they are. */
  readonly note?: string
}

/** A signed CRL as it is kept: the DER in parts of at most 1 MiB, in order. */
export interface CrlParts extends CrlHead {
  readonly parts: readonly Uint8Array[]
}

/** How things stand with a scope's CRLs. */
export interface CrlState {
  /** Moves on with every revocation, release and change of reason in the scope, and with nothing else. */
  readonly position: Cursor
  readonly full?: CrlHead
  readonly delta?: CrlHead
}

/** Which entries of a scope a CRL is made of. */
export interface CrlEntriesQuery {
  /** Leaves out certificates whose notAfter and revocationDate both are before `endedBefore`, and of which nothing has changed since the position `unchangedSince`. */
  readonly without?: { readonly endedBefore: Date; readonly unchangedSince: Cursor }
  /** Asks for the entries of a delta CRL, too: of what has changed since that position. */
  readonly changedSince?: Cursor
}

/** A page of entries as they stand in a CRL: DER (RFC 5280 section 5.1.2.6), one after the other, at most 1 MiB. */
export interface CrlEntriesPage {
  readonly entries: Uint8Array
  /** Of what has changed since `changedSince`, entries among them: what was released has the reason `removeFromCRL` and the date of its hold. Empty where it was not asked for. */
  readonly changes: Uint8Array
  /** Where the scope stood at page 1: the same on every page. */
  readonly position: Cursor
  readonly next?: Cursor
}

export interface Versioned {
  readonly value: Uint8Array
  /** 1 for the first one put. */
  readonly version: number
}

/**
 * A lease with its fencing number, which rises with every holder: a write under an older one, or under one that was given back, is refused as stale.
 * One that ran out is not stale until somebody else takes it: nobody can have acted in between.
 */
export interface Lease {
  readonly name: string
  readonly fence: number
  readonly until: Date
}

/** Leave to enrol one device once, and with what. */
export interface EnrollmentToken {
  /** SHA-256 of the token. */
  readonly hash: Uint8Array
  /** The one device that it is for. */
  readonly deviceId: string
  /** From then on it is refused. */
  readonly expiresAt: Date
  /** Name of the profile that the certificate will be made with. */
  readonly profile?: string
  /** Of the device that will be. */
  readonly owner?: string
  /** Of the device that will be. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** A token as it is kept. */
export interface TokenRecord extends EnrollmentToken {
  /** The reservation that spent it last, or the certificate which that has become; absent where there is none, or it was pruned. */
  readonly spentBy?: CertificateId
}

export interface RetentionMarks {
  /** Ledger entries older than this may go, oldest first, up to the first that is not older. The newest entry stays. */
  readonly ledgerBefore?: Date
  /**
   * Certificates whose notAfter is older than this may go, and tokens that expired before it. A revoked certificate stays until the current CRL of its scope is younger than both its notAfter and its
   * revocation (RFC 5280 section 3.3). Public keys that were revoked for keyCompromise stay blocked, and revoked devices keep their epoch.
   */
  readonly certificatesExpiredBefore?: Date
}

export type ReserveResult =
  | 'reserved'
  | 'serialTaken'
  | 'expectationFailed'
  | 'deviceClosed'
  | 'tokenSpent'
  | 'keyBlocked'
export type CommitResult = 'committed' | 'revoked' | 'lost'
export type RegisterResult = 'registered' | 'taken' | 'keyBlocked'

/**
 * What a fleet keeps. Atomic primitives: each states its race, is durable before it resolves, appends the `events` it is given in the same transaction as its change
 * (none when nothing changed), and answers the same again when it is asked again after a lost reply. The conformance suite `testStore` is the specification.
 * What went in may be reused once the call has settled; what comes out is the caller's own.
 *
 * A store does no I/O until {@link Store.open} or, where that was not called, its first method. Rejections are `ERR_PKI_STORE_UNAVAILABLE` (try again later), `ERR_PKI_STORE_CORRUPT`, `ERR_PKI_STORE_SCHEMA`, `ERR_PKI_CURSOR` or `ERR_PKI_CLOSED`; of what would write, also `ERR_PKI_STORE_MOVED` and
 * `ERR_PKI_STORE_INCOMPLETE`: see {@link TransferStore}.
 */
export interface Store extends TransferStore, AsyncDisposable {
  /** How many threads of its own work while it does: so many cores are left to them. Default 0. */
  readonly threads?: number
  /** Opens, migrates; idempotent. `openFleet` calls it. */
  open(options?: IoOptions): Promise<void>
  /**
   * One durable step before the signature. A revoked-for-keyCompromise public key is `keyBlocked`. For `supersedes`, a certificate that was revoked, or is not the device's, is `deviceClosed`;
   * one that has been superseded already, or a live reservation that renews it, is `expectationFailed`. A token that is unknown, spent, for another device, or expired at `createdAt` is `tokenSpent`;
   * one that was made before its device was revoked is `deviceClosed`. Of several reasons the first of serialTaken, keyBlocked, the expectation's and the token's is answered; a token is spent only with `reserved`.
   *
   * A token is free again when the reservation that spent it has come to nothing: it was abandoned, or was revoked for good before its commit, or its holder's lease has run out. So no death of a process burns one.
   *
   * The same reservation again (same id, bytes, device and holder), before it is committed: `reserved`. A live reservation is one that is not revoked for good and whose holder's lease has not run out at
   * `reservation.createdAt` (it has when `leaseUntil` is before that). A reservation that is passed over, or has its token taken, because its lease ran out becomes `abandoned` in the same step, with its
   * `abandoned` event: its holder's late commit is `lost`.
   */
  reserve(reservation: Reservation, events: Events, options?: IoOptions): Promise<ReserveResult>
  /**
   * Records the signed certificate. Only while the reservation is its holder's (not abandoned) and the device's epoch has not moved since it was reserved: else `lost`, or `revoked` if the
   * reservation was revoked or is held. Also `lost`: the public key was blocked since, the certificate to be superseded was revoked, held or superseded since, or these are the bytes of another certificate.
   * Marks the superseded certificate, if any. The same bytes again: `committed`.
   */
  commit(id: CertificateId, der: Uint8Array, events: Events, options?: IoOptions): Promise<CommitResult>
  /**
   * Brings forward the end of what a certificate has replaced, once its device is known to use it: every certificate of the same device that was reserved or registered before it and is superseded later than `at` is
   * superseded at `at`. Nothing is superseded that was not before, and no end moves back. Resolves the ids of those that moved: none when asked again, and none while the certificate is no issued or pinned one, or is
   * revoked or held. One event for each, derived from `event` as in `revokeDevice`.
   */
  supersede(id: CertificateId, at: Date, event: FleetEventInput, options?: IoOptions): Promise<readonly CertificateId[]>
  /**
   * Turns open reservations into `abandoned`, appending one `abandoned` event for each; how many. Given a date: those whose lease ran out before it, and the events are dated by the store's own time, or that
   * date if it is earlier. Given an id: that one, whatever its lease, dated `at`, for its own holder gives it up when signing failed. What is issued stays as it is.
   */
  abandon(what: Date | (CertificateId & { readonly at: Date }), options?: IoOptions): Promise<number>
  /** Renews the leases of all of an instance's reservations. */
  extendHolder(instance: string, leaseUntil: Date, options?: IoOptions): Promise<void>
  /**
   * Pins a foreign certificate. The same one for the same device again: `registered`; for another device, or one of the same id that is another certificate: `taken`.
   * A public key that was revoked for keyCompromise: `keyBlocked`.
   */
  register(record: PinnedCertificate, events: Events, options?: IoOptions): Promise<RegisterResult>
  certificate(
    key: CertificateId | { readonly fingerprint: Uint8Array },
    options?: IoOptions,
  ): Promise<CertificateRecord | undefined>
  /** What of {@link certificate} an OCSP responder needs, for one answer each: no octets are fetched. */
  certificateStatus(id: CertificateId, options?: IoOptions): Promise<CertificateStatus | undefined>
  certificates(
    query: CertificateQuery,
    page: { readonly after?: Cursor; readonly limit: number },
    options?: IoOptions,
  ): Promise<Page<CertificateRecord>>
  /**
   * First wins: a second call changes nothing and answers the first one's revocation with `created: false`. Works on reservations too. A hold may be turned into a final revocation, and any reason into keyCompromise, whose date stays the first one's (`created: true`).
   * `undefined` if there is no such certificate. keyCompromise blocks the public key for good.
   */
  revoke(
    id: CertificateId,
    revocation: Revocation,
    events: Events,
    options?: IoOptions,
  ): Promise<{ readonly revocation: Revocation; readonly created: boolean } | undefined>
  /**
   * All of a device in one step: its epoch rises, and every certificate and reservation of it that is not revoked yet is revoked, held ones too, as in `revoke`; a renewal in flight cannot slip through,
   * and tokens made before are void. Resolves the ids that this call revoked, of all states. One event per certificate is derived from `event` (same fields, its `certificate` and `fingerprint` filled in;
   * a reservation has no fingerprint).
   */
  revokeDevice(
    deviceId: string,
    revocation: Revocation,
    event: FleetEventInput,
    options?: IoOptions,
  ): Promise<readonly CertificateId[]>
  /**
   * One page of ending many: looks at the next `limit` certificates and reservations of `query` and revokes, in one step, those that are not revoked yet, as `revoke` does; resolves what this call ended, and where
   * the next page begins. Work is bounded by `limit`, whatever was revoked before. Of `owner` and `attribute`, the epoch of each device of which something ends rises, as in `revokeDevice`. A CA of the fleet (the roles
   * `root` and `issuingCa`) is passed over. One event per certificate is derived from `event` as in `revokeDevice`, its `deviceId` filled in, too. A cursor beyond what this store ever gave out is `ERR_PKI_CURSOR`: ending
   * nothing by mistake must not look like success.
   */
  revokeAll(
    query: RevocationQuery,
    revocation: Revocation,
    event: FleetEventInput,
    page: { readonly after?: Cursor; readonly limit: number },
    options?: IoOptions,
  ): Promise<Page<EndedCertificate>>
  /**
   * Blocks a public key for good, whether or not there is a certificate with it, as revoking for keyCompromise does: from then on no reservation with it is made, committed or registered. What is there stays as it is.
   * Whether this call blocked it.
   */
  blockKey(publicKeyHash: Uint8Array, events: Events, options?: IoOptions): Promise<boolean>
  /** Takes back a `certificateHold` and nothing else; whether it did. */
  release(id: CertificateId, events: Events, options?: IoOptions): Promise<boolean>
  /**
   * All revoked certificates of a scope up to the moment of page 1, each once, in the order in which they were first revoked. What is revoked or released while paging may or may not be included.
   */
  revoked(
    scope: CrlScope,
    page: { readonly after?: Cursor; readonly limit: number },
    options?: IoOptions,
  ): Promise<Page<RevokedEntry>>
  /**
   * The same as octets, for CRLs of millions: all that is revoked up to the moment of page 1, each once, as it is when its page is read. What changes while paging may be shown as it was or as it has become, and moves the
   * position beyond the page's. A page is of `limit` places at most, 8,192 or fewer, and may be empty though others follow. `ERR_PKI_CURSOR` for a position beyond the scope's.
   */
  crlEntries(
    scope: CrlScope,
    query: CrlEntriesQuery,
    page: { readonly after?: Cursor; readonly limit: number },
    options?: IoOptions,
  ): Promise<CrlEntriesPage>
  /** O(1): no octets of a CRL are read. */
  crlState(scope: CrlScope, options?: IoOptions): Promise<CrlState>
  /** Strictly increasing per scope, across processes, and above every number that was put; begins at 1. */
  nextCrlNumber(scope: CrlScope, options?: IoOptions): Promise<bigint>
  /** Keeps a signed CRL as the current one of that name. `false`: its number is not greater than the current one's, or the lease is stale. The very CRL that is there already: `true`. */
  putCrl(name: CrlName, crl: CrlParts, lease: Lease | undefined, events: Events, options?: IoOptions): Promise<boolean>
  /** The current CRL of that name. The arrays are the caller's, who may give their memory back: a store that keeps CRLs in memory gives out copies. */
  crl(name: CrlName, options?: IoOptions): Promise<CrlParts | undefined>
  /** Fleet state by name: CAs, rollover phase, settings. */
  document(name: string, options?: IoOptions): Promise<Versioned | undefined>
  /** Compare-and-swap: `expectedVersion` 0 means absent. `false`: another version is there, or the lease is stale. The same bytes at `expectedVersion + 1` already: `true`. */
  putDocument(
    name: string,
    value: Uint8Array,
    expectedVersion: number,
    events: Events,
    options?: IoOptions & { readonly lease?: Lease },
  ): Promise<boolean>
  /** Makes a token known. One of the same hash that is there already stays as it is, spent or not. */
  addToken(token: EnrollmentToken, events: Events, options?: IoOptions): Promise<void>
  /** What a token grants, whether or not it is still good: only `reserve` decides that. */
  token(hash: Uint8Array, options?: IoOptions): Promise<TokenRecord | undefined>
  /**
   * Takes or renews the named lease for `holder`; `undefined` while another holder has it. A holder that asks again keeps its fencing number, unless somebody else had the lease in between or it was
   * given back. Time is the store's own. With 0 `seconds` it is free again at once.
   */
  lease(name: string, holder: string, seconds: number, options?: IoOptions): Promise<Lease | undefined>
  /** Gives a lease back early. */
  releaseLease(lease: Lease, options?: IoOptions): Promise<void>
  /** The ledger in commit order. `next` is always there: ask again from it to follow. From the empty cursor: the oldest entry that is kept. */
  ledger(
    request: { readonly after: Cursor; readonly limit: number },
    options?: IoOptions,
  ): Promise<Page<FleetEvent> & { readonly next: Cursor }>
  /** The latest `at` of the ledger, `undefined` for an empty one: O(1). Not the last entry's: a clock that was turned back must not hide how far it had been. */
  newestEventAt(options?: IoOptions): Promise<Date | undefined>
  /** Where a consumer of the ledger has come to; empty for one that has saved nothing. */
  cursor(consumer: string, options?: IoOptions): Promise<Cursor>
  /** Keeps a consumer's place in the ledger. `false`: the lease is stale. */
  saveCursor(consumer: string, cursor: Cursor, lease: Lease | undefined, options?: IoOptions): Promise<boolean>
  /** Drops at most `limit` rows past their retention (ledger entries, certificates and tokens together); how many. */
  prune(marks: RetentionMarks, limit: number, options?: IoOptions): Promise<number>
  /** Idempotent. Every other call rejects `ERR_PKI_CLOSED` from then on. */
  close(): Promise<void>
}
