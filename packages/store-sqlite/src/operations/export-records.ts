import type {
  CertificateEntry,
  CrlHead,
  CrlName,
  CrlPartEntry,
  Cursor,
  ExportRequest,
  StoreRecord,
  StoreRecordKey,
  StoreRecordKind,
  TokenEntry,
} from '@fleetcert/core'
import { idOctets, octetsOf, parsePosition } from '../arguments.ts'
import { type CertificateRow, certificateColumns, parseJson, toHex, toOctets, toRecord } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import type { SqliteValue } from '../sqlite-database.ts'
import { StoreFailure } from '../store-failure.ts'
import { document } from './documents.ts'
import { type EventRow, newestEventAt, toEvent } from './ledger.ts'

/** A certificate, and of one whose hold was taken back the entry that a delta CRL has. */
export interface ExportedCertificate {
  readonly kind: 'exportedCertificate'
  readonly entry: CertificateEntry
  readonly released?: { readonly octets: Uint8Array; readonly ended: number }
}

/** A CRL without its digest, which takes reading its parts. */
export interface ExportedCrl extends Required<CrlName>, CrlHead {
  readonly kind: 'exportedCrl'
  readonly parts: number
}

/** What the caller's thread makes records of. */
export type ExportedRow =
  | Exclude<StoreRecord, { readonly kind: 'certificate' | 'crl' }>
  | ExportedCertificate
  | ExportedCrl

export interface ExportedPage {
  readonly items: readonly ExportedRow[]
  readonly next?: Cursor
}

const partsPerPage = 4

/** A table that is listed by a key of one column, or two. */
interface Listing<Row> {
  /** With one parameter, or two, for what lies behind the cursor, and one for the limit. */
  readonly sql: string
  readonly cursorOf: (row: Row) => Cursor
  readonly valuesOf: (after: Cursor) => readonly SqliteValue[]
  readonly toItem: (row: Row) => ExportedRow
}

function listing<Row>(one: Listing<Row>): Listing<never> {
  return one as unknown as Listing<never>
}

interface CertificateExportRow extends CertificateRow {
  readonly epoch: number
  readonly supersedes: number | null
  readonly supersede_at: number | null
  readonly superseded_by: number | null
  readonly revocation_order: number | null
  readonly change_order: number | null
  readonly ended: number | null
  readonly entry: Uint8Array | null
}

const certificateRows = `SELECT ${certificateColumns}, c.epoch, c.supersedes, c.supersede_at, c.superseded_by, c.revocation_order,
    e.change_order, e.ended, CASE WHEN e.released THEN e.entry END AS entry
  FROM certificates c
    LEFT JOIN crl_scopes s ON c.revocation_order IS NOT NULL AND s.issuer_key_id = c.issuer_key_id AND s.shard = c.shard
    LEFT JOIN crl_entries e ON e.scope = s.scope AND e.revocation_order = c.revocation_order`

const crlRows = `SELECT s.scope, s.issuer_key_id, s.shard, l.delta, CAST(l.crl_number AS TEXT) AS crl_number, l.this_update,
    l.next_update, l.note, (SELECT count(*) FROM crl_parts p WHERE p.scope = l.scope AND p.delta = l.delta) AS parts
  FROM crls l JOIN crl_scopes s USING (scope)`

const partRows = `SELECT s.scope, s.issuer_key_id, s.shard, l.delta, CAST(l.crl_number AS TEXT) AS crl_number, p.part, p.der
  FROM crl_parts p JOIN crls l USING (scope, delta) JOIN crl_scopes s USING (scope)`

const scopeRows = `SELECT scope, issuer_key_id, shard, CAST(last_number AS TEXT) AS last_number, last_change, last_place
  FROM crl_scopes`

const byNumber = (after: Cursor): readonly SqliteValue[] => [parsePosition(after)]
const byHash = (after: Cursor): readonly SqliteValue[] => [after === '' ? new Uint8Array() : octetsOf(after, 'after')]
const byName = (after: Cursor): readonly SqliteValue[] => [after]
const byNumbers =
  (count: number) =>
  (after: Cursor): readonly SqliteValue[] => {
    if (after === '') return Array.from({ length: count }, () => -1)
    const parts = after.split('.')
    if (parts.length !== count) throw new StoreFailure('ERR_PKI_CURSOR', {})
    return parts.map(parsePosition)
  }

const listings: Readonly<Record<Exclude<StoreRecordKind, 'head'>, Listing<never>>> = {
  certificate: listing<CertificateExportRow>({
    sql: `${certificateRows} WHERE c.ordinal > ? ORDER BY c.ordinal LIMIT ?`,
    cursorOf: row => String(row.ordinal),
    valuesOf: byNumber,
    toItem: toExportedCertificate,
  }),
  event: listing<EventRow>({
    sql: 'SELECT * FROM ledger WHERE sequence > ? ORDER BY sequence LIMIT ?',
    cursorOf: row => String(row.sequence),
    valuesOf: byNumber,
    toItem: toLedgerEntry,
  }),
  device: listing<{ device: number; device_id: string; epoch: number }>({
    sql: 'SELECT device, device_id, epoch FROM devices WHERE device > ? AND epoch > 0 ORDER BY device LIMIT ?',
    cursorOf: row => String(row.device),
    valuesOf: byNumber,
    toItem: row => ({ kind: 'device', deviceId: row.device_id, epoch: row.epoch }),
  }),
  blockedKey: listing<{ public_key_hash: Uint8Array }>({
    sql: 'SELECT public_key_hash FROM blocked_keys WHERE public_key_hash > ? ORDER BY public_key_hash LIMIT ?',
    cursorOf: row => toHex(row.public_key_hash),
    valuesOf: byHash,
    toItem: row => ({ kind: 'blockedKey', publicKeyHash: toOctets(row.public_key_hash) }),
  }),
  token: listing<TokenRow>({
    sql: 'SELECT * FROM tokens WHERE hash > ? ORDER BY hash LIMIT ?',
    cursorOf: row => toHex(row.hash),
    valuesOf: byHash,
    toItem: toTokenEntry,
  }),
  document: listing<{ name: string; version: number; value: Uint8Array }>({
    sql: 'SELECT name, version, value FROM documents WHERE name > ? ORDER BY name LIMIT ?',
    cursorOf: row => row.name,
    valuesOf: byName,
    toItem: ({ name, version, value }) => ({ kind: 'document', name, version, value: toOctets(value) }),
  }),
  crlScope: listing<ScopeRow>({
    sql: `${scopeRows} WHERE scope > ? ORDER BY scope LIMIT ?`,
    cursorOf: row => String(row.scope),
    valuesOf: byNumber,
    toItem: toScopeEntry,
  }),
  crl: listing<CrlRow>({
    sql: `${crlRows} WHERE (l.scope, l.delta) > (?, ?) ORDER BY l.scope, l.delta LIMIT ?`,
    cursorOf: row => `${row.scope}.${row.delta}`,
    valuesOf: byNumbers(2),
    toItem: toExportedCrl,
  }),
  crlPart: listing<PartRow>({
    sql: `${partRows} WHERE (p.scope, p.delta, p.part) > (?, ?, ?) ORDER BY p.scope, p.delta, p.part LIMIT ?`,
    cursorOf: row => `${row.scope}.${row.delta}.${row.part}`,
    valuesOf: byNumbers(3),
    toItem: toPartEntry,
  }),
  lease: listing<{ name: string; fence: number }>({
    sql: 'SELECT name, fence FROM leases WHERE name > ? ORDER BY name LIMIT ?',
    cursorOf: row => row.name,
    valuesOf: byName,
    toItem: ({ name, fence }) => ({ kind: 'lease', name, fence }),
  }),
  consumer: listing<{ name: string; cursor: string }>({
    sql: 'SELECT name, cursor FROM consumers WHERE name > ? ORDER BY name LIMIT ?',
    cursorOf: row => row.name,
    valuesOf: byName,
    toItem: toConsumerEntry,
  }),
}

export function exportRows(sql: Sql, request: ExportRequest): ExportedPage {
  if ('keys' in request) return { items: request.keys.flatMap(key => findRow(sql, key) ?? []) }
  const { kind, after = '' } = request
  if (kind === 'head') return { items: [head(sql)] }
  const limit = kind === 'crlPart' ? Math.min(request.limit, partsPerPage) : request.limit
  const { sql: text, cursorOf, valuesOf, toItem } = listings[kind]
  // One more than asked for tells whether there is a next page.
  const rows = sql.all<never>(text, ...valuesOf(after), limit + 1)
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  const items = kept.map(toItem)
  return last === undefined || rows.length === kept.length ? { items } : { items, next: cursorOf(last) }
}

/** Of a stretch of certificates those that are reservations, or were ever revoked: what is not packed. */
export function certificatesBetween(sql: Sql, after: number, last: number): readonly ExportedRow[] {
  const rows = sql.all<CertificateExportRow>(
    `${certificateRows} WHERE c.ordinal > ? AND c.ordinal <= ? AND (c.fingerprint IS NULL OR c.revocation_order IS NOT NULL)
     ORDER BY c.ordinal`,
    after,
    last,
  )
  return rows.map(toExportedCertificate)
}

function findRow(sql: Sql, key: StoreRecordKey): ExportedRow | undefined {
  const find = <Row>(toItem: (row: Row) => ExportedRow, text: string, ...values: SqliteValue[]) => {
    const row = sql.get<Row>(text, ...values)
    return row && toItem(row)
  }
  switch (key.kind) {
    case 'head':
      return head(sql)
    case 'certificate':
      return find<CertificateExportRow>(
        toExportedCertificate,
        `${certificateRows} WHERE c.issuer_key_id = ? AND c.serial_number = ?`,
        ...idOctets(key.record.id),
      )
    case 'event':
      return find<EventRow>(toLedgerEntry, 'SELECT * FROM ledger WHERE sequence = ?', key.sequence)
    case 'device':
      return find<{ epoch: number }>(
        ({ epoch }) => ({ kind: 'device', deviceId: key.deviceId, epoch }),
        'SELECT epoch FROM devices WHERE device_id = ? AND epoch > 0',
        key.deviceId,
      )
    case 'blockedKey':
      return find<{ public_key_hash: Uint8Array }>(
        row => ({ kind: 'blockedKey', publicKeyHash: toOctets(row.public_key_hash) }),
        'SELECT public_key_hash FROM blocked_keys WHERE public_key_hash = ?',
        key.publicKeyHash,
      )
    case 'token':
      return find<TokenRow>(toTokenEntry, 'SELECT * FROM tokens WHERE hash = ?', key.token.hash)
    case 'document': {
      const found = document(sql, key.name)
      return found && { kind: 'document', name: key.name, ...found }
    }
    case 'crlScope':
      return find<ScopeRow>(toScopeEntry, `${scopeRows} WHERE issuer_key_id = ? AND shard = ?`, ...scopeValues(key))
    case 'crl':
      return find<CrlRow>(
        toExportedCrl,
        `${crlRows} WHERE s.issuer_key_id = ? AND s.shard = ? AND l.delta = ?`,
        ...scopeValues(key),
        key.delta ? 1 : 0,
      )
    case 'crlPart':
      return find<PartRow>(
        toPartEntry,
        `${partRows} WHERE s.issuer_key_id = ? AND s.shard = ? AND l.delta = ? AND l.crl_number = ? AND p.part = ?`,
        ...scopeValues(key),
        key.delta ? 1 : 0,
        key.crlNumber,
        key.part,
      )
    case 'lease':
      return find<{ fence: number }>(
        ({ fence }) => ({ kind: 'lease', name: key.name, fence }),
        'SELECT fence FROM leases WHERE name = ?',
        key.name,
      )
    case 'consumer':
      return find<{ name: string; cursor: string }>(
        toConsumerEntry,
        'SELECT name, cursor FROM consumers WHERE name = ?',
        key.consumer,
      )
  }
}

function head(sql: Sql): ExportedRow {
  const { ordinal, sequence } = sql.get<{ ordinal: number | null; sequence: number | null }>(
    `SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'certificates') AS ordinal,
       (SELECT max(sequence) FROM ledger) AS sequence`,
  )!
  const newest = newestEventAt(sql)
  return {
    kind: 'head',
    lastOrdinal: ordinal ?? 0,
    lastSequence: sequence ?? 0,
    ...(newest && { newestEventAt: newest }),
  }
}

function toExportedCertificate(row: CertificateExportRow): ExportedCertificate {
  const { supersedes, supersede_at, superseded_by, revocation_order, change_order } = row
  return {
    kind: 'exportedCertificate',
    entry: {
      kind: 'certificate',
      ordinal: row.ordinal,
      record: toRecord(row),
      epoch: row.epoch,
      ...(row.state === 'reserved' &&
        supersedes !== null && { supersedes: { ordinal: supersedes, at: new Date(supersede_at!) } }),
      ...(superseded_by !== null && { supersededBy: superseded_by }),
      ...(revocation_order !== null && { revocation: { place: revocation_order, change: change_order! } }),
    },
    ...(row.entry !== null && { released: { octets: row.entry, ended: row.ended! } }),
  }
}

function toLedgerEntry(row: EventRow): ExportedRow {
  const { sequence, cursor: _, ...event } = toEvent(row)
  return { kind: 'event', sequence, event }
}

interface TokenRow {
  readonly hash: Uint8Array
  readonly device_id: string
  readonly expires_at: number
  readonly epoch: number
  readonly profile: string | null
  readonly owner: string | null
  readonly attributes: string | null
  readonly spent: 0 | 1
  readonly spent_by: number | null
}

function toTokenEntry(row: TokenRow): TokenEntry {
  return {
    kind: 'token',
    token: {
      hash: toOctets(row.hash),
      deviceId: row.device_id,
      expiresAt: new Date(row.expires_at),
      ...(row.profile !== null && { profile: row.profile }),
      ...(row.owner !== null && { owner: row.owner }),
      ...(row.attributes !== null && { attributes: parseJson(row.attributes) as Record<string, string> }),
    },
    epoch: row.epoch,
    ...(row.spent !== 0 && { spentBy: row.spent_by ?? 0 }),
  }
}

interface ScopeRow {
  readonly scope: number
  readonly issuer_key_id: Uint8Array
  readonly shard: number
  readonly last_number: string
  readonly last_change: number
  readonly last_place: number
}

function toScopeEntry(row: ScopeRow): ExportedRow {
  return {
    kind: 'crlScope',
    issuerKeyId: toHex(row.issuer_key_id),
    shard: row.shard,
    lastNumber: BigInt(row.last_number),
    lastChange: row.last_change,
    lastPlace: row.last_place,
  }
}

interface CrlNameRow extends Pick<ScopeRow, 'scope' | 'issuer_key_id' | 'shard'> {
  readonly delta: 0 | 1
  readonly crl_number: string
}

function toCrlName(row: CrlNameRow): Required<CrlName> & { readonly crlNumber: bigint } {
  const { shard, delta } = row
  return { issuerKeyId: toHex(row.issuer_key_id), shard, delta: delta === 1, crlNumber: BigInt(row.crl_number) }
}

interface CrlRow extends CrlNameRow {
  readonly this_update: number
  readonly next_update: number
  readonly note: string | null
  readonly parts: number
}

function toExportedCrl(row: CrlRow): ExportedCrl {
  return {
    kind: 'exportedCrl',
    ...toCrlName(row),
    parts: row.parts,
    thisUpdate: new Date(row.this_update),
    nextUpdate: new Date(row.next_update),
    ...(row.note !== null && { note: row.note }),
  }
}

interface PartRow extends CrlNameRow {
  readonly part: number
  readonly der: Uint8Array
}

function toPartEntry(row: PartRow): CrlPartEntry {
  return { kind: 'crlPart', ...toCrlName(row), part: row.part, octets: toOctets(row.der) }
}

function toConsumerEntry({ name, cursor }: { readonly name: string; readonly cursor: string }): ExportedRow {
  return { kind: 'consumer', consumer: name, sequence: parsePosition(cursor) }
}

function scopeValues({ issuerKeyId, shard }: { readonly issuerKeyId: string; readonly shard: number }): SqliteValue[] {
  return [octetsOf(issuerKeyId, 'issuerKeyId'), shard]
}
