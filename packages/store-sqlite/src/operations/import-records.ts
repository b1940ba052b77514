import { hash } from 'node:crypto'
import type {
  CertificateEntry,
  CrlEntry,
  CrlPartEntry,
  CrlScope,
  HeadRecord,
  ImportMark,
  LedgerEntry,
  StoreRecord,
  StoreRecordKind,
  TokenEntry,
} from '@fleetcert/core'
import { idOctets, octetsOf } from '../arguments.ts'
import type { Sql } from '../sql.ts'
import { resultCodeOf } from '../sqlite-error.ts'
import { StoreFailure } from '../store-failure.ts'
import { offerNewest, openDevice } from './devices.ts'
import { state } from './fleet-state.ts'
import { type EventRow, toEvent } from './ledger.ts'

const constraint = 19

/** `entries`: of each record that is a certificate which was ever revoked, its entry as it stands in a CRL. */
export function importRecords(
  sql: Sql,
  { fleetId, note }: ImportMark,
  records: readonly StoreRecord[],
  entries: readonly (Uint8Array | undefined)[],
): void {
  const found = state(sql)
  if (found.state !== 'empty' && (found.state !== 'receiving' || found.fleetId !== fleetId)) {
    throw new StoreFailure('ERR_PKI_STORE_IN_USE', {})
  }
  sql.run(`UPDATE fleet SET state = 'receiving', id = ?, note = ? WHERE one = 1`, octetsOf(fleetId, 'fleetId'), note)
  for (const [index, record] of records.entries()) {
    try {
      importRecord(sql, record, entries[index])
    } catch (error) {
      if (resultCodeOf(error) !== constraint) throw error
      throw badRecord(record.kind, 'it contradicts what is there')
    }
  }
}

function importRecord(sql: Sql, record: StoreRecord, entry: Uint8Array | undefined): void {
  switch (record.kind) {
    case 'certificate':
      importCertificate(sql, record, entry)
      return
    case 'event':
      importEvent(sql, record)
      return
    case 'device': {
      const { device } = openDevice(sql, record.deviceId)
      sql.run('UPDATE devices SET epoch = max(epoch, ?) WHERE device = ?', record.epoch, device)
      return
    }
    case 'blockedKey':
      sql.run('INSERT OR IGNORE INTO blocked_keys (public_key_hash) VALUES (?)', record.publicKeyHash)
      return
    case 'token':
      importToken(sql, record)
      return
    case 'document':
      sql.run(
        `INSERT INTO documents (name, version, value) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value`,
        record.name,
        record.version,
        record.value,
      )
      return
    case 'crlScope':
      sql.run(
        `UPDATE crl_scopes SET last_number = max(last_number, ?), last_change = max(last_change, ?),
           last_place = max(last_place, ?) WHERE scope = ?`,
        record.lastNumber,
        record.lastChange,
        record.lastPlace,
        openScope(sql, record),
      )
      return
    case 'crl':
      importCrl(sql, record)
      return
    case 'crlPart':
      importCrlPart(sql, record)
      return
    case 'lease':
      sql.run(
        `INSERT INTO leases (name, holder, fence, until) VALUES (?, NULL, ?, 0)
         ON CONFLICT (name) DO UPDATE SET holder = NULL, fence = max(fence, excluded.fence)`,
        record.name,
        record.fence,
      )
      return
    case 'consumer':
      sql.run(
        'INSERT INTO consumers (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor',
        record.consumer,
        record.sequence === 0 ? '' : String(record.sequence),
      )
      return
    case 'head':
      importHead(sql, record)
      return
  }
}

function importCertificate(sql: Sql, entry: CertificateEntry, octets: Uint8Array | undefined): void {
  const { ordinal, record, epoch, supersedes, supersededBy, revocation: place } = entry
  const [issuerKeyId, serialNumber] = idOctets(record.id)
  if (record.fingerprint !== undefined && record.der === undefined) {
    throw badRecord('certificate', 'its octets are missing, and this store keeps certificates with them')
  }
  // Another certificate of that ordinal, id or fingerprint stays, and stands in the way of the insertion.
  sql.run(
    'DELETE FROM certificates WHERE ordinal = ? AND issuer_key_id = ? AND serial_number = ?',
    ordinal,
    issuerKeyId,
    serialNumber,
  )
  const device = record.deviceId === undefined ? undefined : openDevice(sql, record.deviceId)
  sql.run(
    `INSERT INTO certificates (ordinal, issuer_key_id, serial_number, role, profile, device_id, owner, attributes,
       public_key_hash, not_before, not_after, shard, created_at, device, epoch, state, der, fingerprint, tbs_certificate,
       instance, lease_until, supersedes, supersede_at, superseded_at, superseded_by, revocation_order, revocation_date,
       reason, invalidity_date)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ordinal,
    issuerKeyId,
    serialNumber,
    record.role,
    record.profile,
    record.deviceId ?? null,
    record.owner ?? null,
    record.attributes === undefined ? null : JSON.stringify(record.attributes),
    record.publicKeyHash,
    record.notBefore.getTime(),
    record.notAfter.getTime(),
    record.shard,
    record.createdAt.getTime(),
    device?.device ?? null,
    epoch,
    record.state,
    record.der ?? null,
    record.fingerprint ?? null,
    record.tbsCertificate ?? null,
    record.holder?.instance ?? null,
    record.holder?.leaseUntil.getTime() ?? null,
    supersedes?.ordinal ?? null,
    supersedes?.at.getTime() ?? null,
    record.supersededAt?.getTime() ?? null,
    supersededBy ?? null,
    place?.place ?? null,
    record.revocation?.revocationDate.getTime() ?? null,
    record.revocation?.reason ?? null,
    record.revocation?.invalidityDate?.getTime() ?? null,
  )
  if (device !== undefined && record.der !== undefined) offerNewest(sql, ordinal)
  if (place === undefined || octets === undefined) return
  const since = record.revocation?.revocationDate ?? place.heldAt!
  sql.run(
    `INSERT INTO crl_entries (scope, revocation_order, change_order, ended, released, entry) VALUES (?, ?, ?, ?, ?, ?)`,
    openScope(sql, { issuerKeyId: record.id.issuerKeyId, shard: record.shard }),
    place.place,
    place.change,
    Math.max(record.notAfter.getTime(), since.getTime()),
    record.revocation === undefined ? 1 : 0,
    octets,
  )
}

function importEvent(sql: Sql, { sequence, event }: LedgerEntry): void {
  const known = sql.get<EventRow>('SELECT * FROM ledger WHERE sequence = ?', sequence)
  if (known !== undefined) {
    const { sequence: _, cursor: __, ...same } = toEvent(known)
    if (digestOf(same) !== digestOf(event)) throw badRecord('event', 'another event has its sequence number')
    return
  }
  const [issuerKeyId, serialNumber] = event.certificate ? idOctets(event.certificate) : [null, null]
  sql.run(
    `INSERT INTO ledger (sequence, type, at, device_id, issuer_key_id, serial_number, fingerprint, details)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    sequence,
    event.type,
    event.at.getTime(),
    event.deviceId ?? null,
    issuerKeyId,
    serialNumber,
    event.fingerprint ?? null,
    event.details === undefined ? null : JSON.stringify(event.details),
  )
}

/** The same for the same event. */
function digestOf({ type, at, deviceId, certificate, fingerprint, details }: LedgerEntry['event']): string {
  const id = certificate && [certificate.issuerKeyId, certificate.serialNumber]
  return hash('sha256', JSON.stringify([type, at, deviceId ?? null, id ?? null, fingerprint ?? null, details ?? null]))
}

function importToken(sql: Sql, { token, epoch, spentBy }: TokenEntry): void {
  sql.run(
    `INSERT OR REPLACE INTO tokens (hash, device_id, expires_at, epoch, profile, owner, attributes, spent, spent_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    token.hash,
    token.deviceId,
    token.expiresAt.getTime(),
    epoch,
    token.profile ?? null,
    token.owner ?? null,
    token.attributes === undefined ? null : JSON.stringify(token.attributes),
    spentBy === undefined ? 0 : 1,
    // 0: spent for good, by nobody knows what.
    spentBy || null,
  )
}

function importCrl(sql: Sql, crl: CrlEntry): void {
  const scope = openScope(sql, crl)
  const kind = crl.delta ? 1 : 0
  const current = sql.get<{ crl_number: string }>(
    'SELECT CAST(crl_number AS TEXT) AS crl_number FROM crls WHERE scope = ? AND delta = ?',
    scope,
    kind,
  )
  if (current !== undefined && BigInt(current.crl_number) !== crl.crlNumber) {
    sql.run('DELETE FROM crl_parts WHERE scope = ? AND delta = ?', scope, kind)
  }
  sql.run('DELETE FROM crl_parts WHERE scope = ? AND delta = ? AND part >= ?', scope, kind, crl.parts)
  sql.run(
    'INSERT OR REPLACE INTO crls (scope, delta, crl_number, this_update, next_update, note) VALUES (?, ?, ?, ?, ?, ?)',
    scope,
    kind,
    crl.crlNumber,
    crl.thisUpdate.getTime(),
    crl.nextUpdate.getTime(),
    crl.note ?? null,
  )
}

function importCrlPart(sql: Sql, { delta, crlNumber, part, octets, ...name }: CrlPartEntry): void {
  const scope = openScope(sql, name)
  const kind = delta ? 1 : 0
  const current = sql.get('SELECT 1 FROM crls WHERE scope = ? AND delta = ? AND crl_number = ?', scope, kind, crlNumber)
  if (current === undefined) throw badRecord('crlPart', 'it is no part of the current CRL')
  sql.run('INSERT OR REPLACE INTO crl_parts (scope, delta, part, der) VALUES (?, ?, ?, ?)', scope, kind, part, octets)
}

function importHead(sql: Sql, { lastOrdinal, newestEventAt }: HeadRecord): void {
  const known = sql.run(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'certificates'`, lastOrdinal)
  if (known === 0) sql.run(`INSERT INTO sqlite_sequence (name, seq) VALUES ('certificates', ?)`, lastOrdinal)
  if (newestEventAt === undefined) return
  const at = newestEventAt.getTime()
  sql.run('UPDATE fleet SET newest_at = max(coalesce(newest_at, ?), ?) WHERE one = 1', at, at)
}

/** What a scope's rows refer to it by; it is made if there is none. */
function openScope(sql: Sql, { issuerKeyId, shard }: CrlScope): number {
  const issuer = octetsOf(issuerKeyId, 'issuerKeyId')
  const known = sql.get<{ scope: number }>(
    'SELECT scope FROM crl_scopes WHERE issuer_key_id = ? AND shard = ?',
    issuer,
    shard,
  )
  if (known !== undefined) return known.scope
  return sql.get<{ scope: number }>(
    'INSERT INTO crl_scopes (issuer_key_id, shard) VALUES (?, ?) RETURNING scope',
    issuer,
    shard,
  )!.scope
}

function badRecord(kind: StoreRecordKind, reason: string): StoreFailure {
  return new StoreFailure('ERR_PKI_STORE_RECORD', { kind, reason })
}
