import type { IoOptions } from '@fleetcert/x509'
import type {
  CertificateId,
  CertificateRecord,
  CrlHead,
  CrlName,
  CrlScope,
  Cursor,
  EnrollmentToken,
  FleetEventInput,
  Page,
} from './store.ts'

// What moves between stores, whatever they are made of. Numbers keep their meaning: an ordinal, a sequence number, a place of a CRL and a change of it are the same in the store that a fleet came from and in the one it went to,
// so cursors that were given out stay good.

/** Of the fleet as a whole. There is one, always. */
export interface HeadRecord {
  readonly kind: 'head'
  /** Ordinal of the certificate that was reserved or registered last, kept or not; 0 if there was none. */
  readonly lastOrdinal: number
  /** Sequence number of the newest ledger entry; 0 if there was none. */
  readonly lastSequence: number
  /** What {@link Store.newestEventAt} says. */
  readonly newestEventAt?: Date
}

/** A certificate or reservation with what the store alone knows of it. */
export interface CertificateEntry {
  readonly kind: 'certificate'
  /** Rises in the order of reservation and registration, from 1 on; never used twice. The listings' order. */
  readonly ordinal: number
  /** As {@link Store.certificate} gives it. */
  readonly record: CertificateRecord
  /** Its device's epoch when it was reserved or registered; 0 without a device. */
  readonly epoch: number
  /** Of a reservation (`reserved`) that renews: ordinal of what it will supersede, kept or not, and from when on. */
  readonly supersedes?: { readonly ordinal: number; readonly at: Date }
  /** Ordinal of the certificate that has superseded it, kept or not. */
  readonly supersededBy?: number
  /** Its place among the revoked of its scope, of what was ever revoked. */
  readonly revocation?: RevocationPlace
}

/** Where a certificate that was ever revoked stands in its CRL scope. */
export interface RevocationPlace {
  /** Given at the first revocation, from 1 on; rises in the order of revocation; kept when a hold is released. */
  readonly place: number
  /** Which change of the scope touched it last: see `CrlState.position`. */
  readonly change: number
  /**
   * The date of the hold that was taken back last, of one that is not revoked now: a delta CRL says it. In whole seconds, as CRLs have it; where the hold began after the certificate's notAfter, to the millisecond.
   */
  readonly heldAt?: Date
}

/** A device whose epoch has risen. Those at 0 are not exported. */
export interface DeviceEntry {
  readonly kind: 'device'
  readonly deviceId: string
  /** How many times it was revoked as a whole; above 0. */
  readonly epoch: number
}

/** A public key that is blocked for good. */
export interface BlockedKeyEntry {
  readonly kind: 'blockedKey'
  /** SHA-256 of SubjectPublicKeyInfo, 32 octets. */
  readonly publicKeyHash: Uint8Array
}

/** An enrolment token, spent or not. */
export interface TokenEntry {
  readonly kind: 'token'
  readonly token: EnrollmentToken
  /** Its device's epoch when it was made. */
  readonly epoch: number
  /** Ordinal of the reservation that spent it last, kept or not; 0 where that is not known and it is spent for good; absent for one that was never spent. */
  readonly spentBy?: number
}

/** A document. */
export interface DocumentEntry {
  readonly kind: 'document'
  readonly name: string
  readonly version: number
  readonly value: Uint8Array
}

/** What a scope counts. Every scope of which anything was ever revoked, numbered or put. */
export interface CrlScopeEntry extends CrlScope {
  readonly kind: 'crlScope'
  /** The CRL number that was given out or put last; 0 if there was none. */
  readonly lastNumber: bigint
  /** `CrlState.position` as a number. */
  readonly lastChange: number
  /** The place that was given last; 0 if there was none. */
  readonly lastPlace: number
}

/** A current CRL without its octets. */
export interface CrlEntry extends Required<CrlName>, CrlHead {
  readonly kind: 'crl'
  /** How many parts it has. */
  readonly parts: number
  /** SHA-256 over its parts, each behind its length in four octets, big-endian. */
  readonly digest: Uint8Array
}

/** One part of a current CRL. */
export interface CrlPartEntry extends Required<CrlName> {
  readonly kind: 'crlPart'
  readonly crlNumber: bigint
  /** From 0 on. */
  readonly part: number
  /** At most 1 MiB. */
  readonly octets: Uint8Array
}

/** A lease's fencing number. Who holds it does not move. */
export interface LeaseEntry {
  readonly kind: 'lease'
  readonly name: string
  readonly fence: number
}

/** Where a consumer of the ledger has come to. */
export interface ConsumerEntry {
  readonly kind: 'consumer'
  readonly consumer: string
  /** Sequence number of the entry that it has seen last; 0: none. */
  readonly sequence: number
}

/** An entry of the ledger. */
export interface LedgerEntry {
  readonly kind: 'event'
  readonly sequence: number
  readonly event: FleetEventInput
}

/** A piece of a fleet as it moves between stores. */
export type StoreRecord =
  | HeadRecord
  | CertificateEntry
  | LedgerEntry
  | DeviceEntry
  | BlockedKeyEntry
  | TokenEntry
  | DocumentEntry
  | CrlScopeEntry
  | CrlEntry
  | CrlPartEntry
  | LeaseEntry
  | ConsumerEntry

export type StoreRecordKind = StoreRecord['kind']

/** All kinds, in the order in which records are imported: a CRL is announced before its parts come. */
export const storeRecordKinds: readonly StoreRecordKind[] = [
  'certificate',
  'event',
  'device',
  'blockedKey',
  'token',
  'document',
  'crlScope',
  'crl',
  'crlPart',
  'lease',
  'consumer',
  'head',
]

/** What a record is found by. Every record fits. */
export type StoreRecordKey =
  | { readonly kind: 'head' }
  | { readonly kind: 'certificate'; readonly record: { readonly id: CertificateId } }
  | { readonly kind: 'event'; readonly sequence: number }
  | { readonly kind: 'device'; readonly deviceId: string }
  | { readonly kind: 'blockedKey'; readonly publicKeyHash: Uint8Array }
  | { readonly kind: 'token'; readonly token: { readonly hash: Uint8Array } }
  | { readonly kind: 'document'; readonly name: string }
  | ({ readonly kind: 'crlScope' } & CrlScope)
  | ({ readonly kind: 'crl' } & Required<CrlName>)
  | ({ readonly kind: 'crlPart'; readonly crlNumber: bigint; readonly part: number } & Required<CrlName>)
  | { readonly kind: 'lease'; readonly name: string }
  | { readonly kind: 'consumer'; readonly consumer: string }

/** Which records to export: of one kind, page by page; or those of at most {@link importLimits} `records` keys, in their order, what is not there left out. */
export type ExportRequest =
  | {
      readonly kind: StoreRecordKind
      /** What a page of this kind named as `next`; absent: the beginning. */
      readonly after?: Cursor
      readonly limit: number
    }
  | { readonly keys: readonly StoreRecordKey[] }

/** Which rows to pack: those behind a cursor, in their order. */
export interface PackedRequest {
  readonly kind: 'certificate' | 'event'
  /** As of {@link ExportRequest}: the cursors are the same. */
  readonly after?: Cursor
  /** Ordinal or sequence number of the last row that is wanted. */
  readonly through?: number
  readonly limit: number
}

/** Rows of one moment: those that were packed, and of the same stretch those that were not. */
export interface PackedPage {
  /**
   * Rows one behind the other. Each is a JSON array, a line feed, and octets, one behind the other, whose lengths the array says. A text in an array that is JSON itself (`attributes`, `details`) stays a text; dates are milliseconds since the
   * epoch; what is absent is `null`.
   *
   * Of a certificate: `[ordinal, epoch, state, role, profile, notBefore, notAfter, shard, createdAt, deviceId, owner, attributes, supersededAt, supersededBy, i, s, d]`, and `i` octets of issuerKeyId, `s` of serialNumber, 32 of publicKeyHash,
   * 32 of fingerprint, `d` of the certificate: only certificates that never were revoked are packed, and no reservations. Of an event: `[sequence, type, at, deviceId, fingerprint, details, i, s]`, and the certificate's id.
   */
  readonly packed: Uint8Array
  /** How many rows were packed. */
  readonly count: number
  /** The others. */
  readonly records: readonly StoreRecord[]
  /** Behind the last row; always there, to go on from later. */
  readonly next: Cursor
  /** Whether there was nothing behind `next`. */
  readonly isLast: boolean
}

/** How much one call of {@link TransferStore.importRecords} takes. */
export const importLimits: { readonly records: number; readonly octets: number } = {
  records: 1000,
  octets: 4 * 1024 * 1024,
}

/**
 * How things stand with the data of a store:
 * `empty`: nothing was ever kept (leases and places of consumers do not count);
 * `open`: a fleet at work;
 * `receiving`: a fleet is being imported and is not whole yet: everything but the methods of {@link TransferStore} is refused, if it would write, with `ERR_PKI_STORE_INCOMPLETE`;
 * `sealed`: the fleet has moved to another store: what would write is refused with `ERR_PKI_STORE_MOVED`, what reads is answered.
 */
export interface StoreState {
  /** Made at random with the store, 32 lower-case hexadecimal digits; a fleet takes it along when it moves. */
  readonly fleetId: string
  readonly state: 'empty' | 'open' | 'receiving' | 'sealed'
  /** While receiving: what the last {@link TransferStore.importRecords} said about itself. */
  readonly note?: string
}

/** Whose records are imported. */
export interface ImportMark {
  /** Of the fleet that the records are of. */
  readonly fleetId: string
  /** The importer's own words, at most 4,096 characters, kept in the same transaction as the records: how far it has come. */
  readonly note: string
}

/** The part of a `Store` that fleets are moved with: `copyFleet`, backups. */
export interface TransferStore {
  /** How things stand with the data. O(1). */
  state(options?: IoOptions): Promise<StoreState>
  /**
   * Compare-and-swap of the state, by every process at once: `open` to `sealed` and back, `receiving` to `open` once all is imported. `false`: it was neither `from` nor `to`. Already `to`: `true`.
   * After `sealed` has resolved, nothing that would write is done any more, whoever asked before.
   */
  changeState(from: 'open' | 'receiving' | 'sealed', to: 'open' | 'sealed', options?: IoOptions): Promise<boolean>
  /**
   * Records as they are at this moment, each page of one moment. A listing by kind gives every record that is there from its first page to its last once at the least; what comes, changes or goes meanwhile may be given or
   * not. A page holds `limit` records, or fewer though others follow (`next` says so; it may be empty), or some more where they lie together; of `crlPart`, four at most. Certificates come by ordinal, events by sequence number.
   * A cursor of these two is good at any time; of the other kinds, as long as neither the server nor the store is opened anew.
   */
  exportRecords(request: ExportRequest, options?: IoOptions): Promise<Page<StoreRecord>>
  /**
   * Optional, for speed: a listing of {@link exportRecords} with most rows packed by the database itself, at a tenth of what making a record of each costs. Backups ask for it.
   * @throws PkiError as {@link exportRecords}
   */
  exportPacked?(request: PackedRequest, options?: IoOptions): Promise<PackedPage>
  /**
   * Keeps records, all of them or none, in a store that is `empty` (it becomes `receiving`) or `receiving` records of that fleet. A record that is there already is replaced; nothing else changes, no events are appended.
   * Counters (`lastOrdinal`, `lastSequence`, `newestEventAt`, `lastNumber`, `lastChange`, `lastPlace`, a device's epoch, a fence) never go back. Events come in rising order, behind those that are there; one that is there
   * already must be the same. A `crlPart` comes after its `crl`, which drops the parts of the one before. More than {@link importLimits}: `RangeError`.
   *
   * @throws PkiError `ERR_PKI_STORE_IN_USE`: the store is neither empty nor receiving this fleet. `ERR_PKI_STORE_RECORD`: a record is malformed, or contradicts what is there (another certificate of that ordinal, id or
   * fingerprint; another event of that number; a part of a CRL that is not the current one).
   */
  importRecords(mark: ImportMark, records: readonly StoreRecord[], options?: IoOptions): Promise<void>
}
