import type {
  CertificateId,
  CertificateRole,
  Cursor,
  EndedCertificate,
  Events,
  FleetEventInput,
  Page,
  Revocation,
  RevocationQuery,
} from '@fleetcert/core'
import { assertHash, assertLimit, createdPosition, idOctets, parsePosition } from '../arguments.ts'
import { type RevocationColumns, toHex, toRevocation } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { StoreFailure } from '../store-failure.ts'
import { openDevice } from './devices.ts'
import { append } from './ledger.ts'
import { cursorOf, selectRows } from './listings.ts'

interface Row extends RevocationColumns {
  readonly ordinal: number
  readonly issuer_key_id: Uint8Array
  readonly serial_number: Uint8Array
  readonly fingerprint: Uint8Array | null
}

const rowColumns = 'ordinal, issuer_key_id, serial_number, fingerprint, revocation_date, reason, invalidity_date'

export function revoke(
  sql: Sql,
  id: CertificateId,
  revocation: Revocation,
  events: Events,
): { readonly revocation: Revocation; readonly created: boolean } | undefined {
  const row = sql.get<Row>(
    `SELECT ${rowColumns} FROM certificates WHERE issuer_key_id = ? AND serial_number = ?`,
    ...idOctets(id),
  )
  if (row === undefined) return undefined
  if (!revokeRow(sql, row, revocation)) return { revocation: toRevocation(row)!, created: false }
  append(sql, events)
  return { revocation: toRevocation(revocationColumns(row, revocation))!, created: true }
}

export function revokeDevice(
  sql: Sql,
  deviceId: string,
  revocation: Revocation,
  { fingerprint: _, ...event }: FleetEventInput,
): readonly CertificateId[] {
  const { device } = openDevice(sql, deviceId)
  sql.run('UPDATE devices SET epoch = epoch + 1 WHERE device = ?', device)
  const rows = sql.all<Row>(
    `SELECT ${rowColumns} FROM certificates
     WHERE device = ? AND (reason IS NULL OR reason = 'certificateHold' OR (? AND reason <> 'keyCompromise')) ORDER BY ordinal`,
    device,
    revocation.reason === 'keyCompromise' ? 1 : 0,
  )
  const ids: CertificateId[] = []
  for (const row of rows) {
    if (!revokeRow(sql, row, revocation)) continue
    const certificate = { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) }
    ids.push(certificate)
    append(sql, [
      { ...event, certificate, ...(row.fingerprint && { fingerprint: formatFingerprint(row.fingerprint) }) },
    ])
  }
  return ids
}

interface EndingRow extends Row {
  readonly device: number | null
  readonly device_id: string | null
  readonly role: CertificateRole
  readonly created_at: number
}

const endingColumns = `c.ordinal, c.issuer_key_id, c.serial_number, c.fingerprint, c.revocation_date, c.reason, c.invalidity_date,
  c.device, c.device_id, c.role, c.created_at`

export function revokeAll(
  sql: Sql,
  query: RevocationQuery,
  revocation: Revocation,
  { fingerprint: _, ...event }: FleetEventInput,
  { after, limit }: { readonly after?: Cursor; readonly limit: number },
): Page<EndedCertificate> {
  assertLimit(limit)
  assertGivenOut(sql, query, after)
  // One more than asked for tells whether there is a next page.
  const rows = selectRows<EndingRow>(sql, endingColumns, query, after, limit + 1)
  const looked = rows.slice(0, limit)
  const items: EndedCertificate[] = []
  const devices = new Set<number>()
  for (const row of looked) {
    if (row.role === 'root' || row.role === 'issuingCa' || !revokeRow(sql, row, revocation)) continue
    const deviceId = row.device_id === null ? undefined : { deviceId: row.device_id }
    const id = { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) }
    const fingerprint = row.fingerprint && { fingerprint: formatFingerprint(row.fingerprint) }
    append(sql, [{ ...event, certificate: id, ...deviceId, ...fingerprint }])
    items.push({ id, ...deviceId })
    if (row.device !== null) devices.add(row.device)
  }
  if (query.list === 'owner' || query.list === 'attribute') {
    for (const device of devices) sql.run('UPDATE devices SET epoch = epoch + 1 WHERE device = ?', device)
  }
  return looked.length === rows.length ? { items } : { items, next: cursorOf(query, looked.at(-1)!) }
}

function assertGivenOut(sql: Sql, query: RevocationQuery, after: Cursor | undefined): void {
  const last = query.list === 'created' ? createdPosition(query, after).ordinal : parsePosition(after)
  if (last === 0) return
  // AUTOINCREMENT keeps it, whatever was pruned.
  const newest = sql.get<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'certificates'`)
  if (newest === undefined || last > newest.seq) throw new StoreFailure('ERR_PKI_CURSOR', {})
}

export function blockKey(sql: Sql, publicKeyHash: Uint8Array, events: Events): boolean {
  assertHash(publicKeyHash, 'publicKeyHash')
  const blocked = sql.run('INSERT OR IGNORE INTO blocked_keys (public_key_hash) VALUES (?)', publicKeyHash) > 0
  if (blocked) append(sql, events)
  return blocked
}

export function release(sql: Sql, id: CertificateId, events: Events): boolean {
  const released = sql.run(
    `UPDATE certificates SET revocation_date = NULL, reason = NULL, invalidity_date = NULL
     WHERE issuer_key_id = ? AND serial_number = ? AND reason = 'certificateHold'`,
    ...idOctets(id),
  )
  if (released === 0) return false
  append(sql, events)
  return true
}

/** First wins, but a hold gives way to a final revocation, and any reason to keyCompromise. Whether this call revoked. */
function revokeRow(sql: Sql, row: Row, revocation: Revocation): boolean {
  if (row.reason !== null && !outweighs(revocation.reason, row.reason)) return false
  const { revocation_date, reason, invalidity_date } = revocationColumns(row, revocation)
  sql.run(
    `UPDATE certificates SET revocation_date = ?, reason = ?, invalidity_date = ?,
       revocation_order = coalesce(revocation_order, 1 + coalesce((
         SELECT s.last_place FROM crl_scopes s
         WHERE s.issuer_key_id = certificates.issuer_key_id AND s.shard = certificates.shard), 0))
     WHERE ordinal = ?`,
    revocation_date,
    reason,
    invalidity_date,
    row.ordinal,
  )
  if (reason === 'keyCompromise') {
    sql.run(
      'INSERT OR IGNORE INTO blocked_keys SELECT public_key_hash FROM certificates WHERE ordinal = ?',
      row.ordinal,
    )
  }
  return true
}

function outweighs(next: string, current: string): boolean {
  if (current === 'certificateHold') return next !== 'certificateHold'
  return next === 'keyCompromise' && current !== 'keyCompromise'
}

function revocationColumns(row: Row, revocation: Revocation): RevocationColumns & { readonly revocation_date: number } {
  const keepsDate = row.reason !== null && row.reason !== 'certificateHold'
  return {
    // A final revocation whose reason turns out worse keeps its date.
    revocation_date: keepsDate ? row.revocation_date! : revocation.revocationDate.getTime(),
    reason: revocation.reason,
    invalidity_date: revocation.invalidityDate?.getTime() ?? null,
  }
}

/** `AA:BB:…` */
export function formatFingerprint(octets: Uint8Array): string {
  return toHex(octets).toUpperCase().match(/../g)!.join(':')
}
