import type { Cursor, Events, FleetEvent, FleetEventType, Lease, Page } from '@fleetcert/core'
import { assertLimit, idOctets, parsePosition } from '../arguments.ts'
import { parseJson, toHex } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { StoreFailure } from '../store-failure.ts'
import { isCurrentLease } from './leases.ts'

export interface EventRow {
  readonly sequence: number
  readonly type: FleetEventType
  readonly at: number
  readonly device_id: string | null
  readonly issuer_key_id: Uint8Array | null
  readonly serial_number: Uint8Array | null
  readonly fingerprint: string | null
  readonly details: string | null
}

/** In the transaction of the change that the events tell of: writers are serialised, so sequence numbers rise in commit order. */
export function append(sql: Sql, events: Events): void {
  for (const event of events) {
    const [issuerKeyId, serialNumber] = event.certificate ? idOctets(event.certificate) : [null, null]
    sql.run(
      `INSERT INTO ledger (type, at, device_id, issuer_key_id, serial_number, fingerprint, details)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      event.type,
      event.at.getTime(),
      event.deviceId ?? null,
      issuerKeyId,
      serialNumber,
      event.fingerprint ?? null,
      event.details === undefined ? null : JSON.stringify(event.details),
    )
  }
}

export function ledger(
  sql: Sql,
  { after, limit }: { readonly after: Cursor; readonly limit: number },
): Page<FleetEvent> & { readonly next: Cursor } {
  assertLimit(limit)
  const start = after === '' ? 0 : checkCursor(sql, after)
  const rows = sql.all<EventRow>('SELECT * FROM ledger WHERE sequence > ? ORDER BY sequence LIMIT ?', start, limit)
  const items = rows.map(toEvent)
  return { items, next: items.at(-1)?.cursor ?? after }
}

export function newestEventAt(sql: Sql): Date | undefined {
  const { kept, moved } = sql.get<{ kept: number | null; moved: number | null }>(
    'SELECT max(at) AS kept, (SELECT newest_at FROM fleet WHERE one = 1) AS moved FROM ledger',
  )!
  if (kept === null && moved === null) return undefined
  return new Date(Math.max(kept ?? moved!, moved ?? kept!))
}

export function cursor(sql: Sql, consumer: string): Cursor {
  return sql.get<{ cursor: string }>('SELECT cursor FROM consumers WHERE name = ?', consumer)?.cursor ?? ''
}

export function saveCursor(sql: Sql, consumer: string, cursor: Cursor, lease: Lease | undefined): boolean {
  if (!isCurrentLease(sql, lease)) return false
  if (cursor !== '') checkCursor(sql, cursor)
  sql.run(
    'INSERT INTO consumers (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor',
    consumer,
    cursor,
  )
  return true
}

/** Drops entries from the front. The newest entry stays: the clock is checked against it, and no sequence number is used twice. */
export function pruneLedger(sql: Sql, before: Date, limit: number): number {
  const rows = sql.all<{ sequence: number; at: number }>(
    'SELECT sequence, at FROM ledger ORDER BY sequence LIMIT ?',
    limit + 1,
  )
  const kept = rows.findIndex(row => row.at >= before.getTime())
  const end = rows[kept === -1 ? rows.length - 1 : kept]
  return end === undefined ? 0 : sql.run('DELETE FROM ledger WHERE sequence < ?', end.sequence)
}

function checkCursor(sql: Sql, after: Cursor): number {
  const sequence = parsePosition(after)
  const { first, last } = sql.get<{ first: number | null; last: number | null }>(
    'SELECT (SELECT min(sequence) FROM ledger) AS first, (SELECT max(sequence) FROM ledger) AS last',
  )!
  // Behind the entry before the first that is kept, nothing is missing.
  if (sequence < (first ?? 1) - 1 || sequence > (last ?? 0)) throw new StoreFailure('ERR_PKI_CURSOR', {})
  return sequence
}

export function toEvent(row: EventRow): FleetEvent {
  return {
    type: row.type,
    at: new Date(row.at),
    ...(row.device_id !== null && { deviceId: row.device_id }),
    ...(row.issuer_key_id !== null &&
      row.serial_number !== null && {
        certificate: { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) },
      }),
    ...(row.fingerprint !== null && { fingerprint: row.fingerprint }),
    ...(row.details !== null && { details: parseJson(row.details) as Record<string, string | number | boolean> }),
    sequence: row.sequence,
    cursor: String(row.sequence),
  }
}
