import type { PackedRequest } from '@fleetcert/core'
import { parsePosition } from '../arguments.ts'
import type { Sql } from '../sql.ts'
import { certificatesBetween, type ExportedRow } from './export-records.ts'

/** Rows that the database has packed, and those that it has not. */
export interface PackedRows {
  readonly packed: Uint8Array
  readonly count: number
  readonly others: readonly ExportedRow[]
  readonly next: string
  readonly isLast: boolean
}

interface PackedRow {
  readonly packed: Uint8Array | null
  readonly count: number
}

// `||` and group_concat() take octets as they are, whatever they hold, in a database whose texts are UTF-8, as all are. What they make is a text in name alone.
const certificates = `SELECT count(*) AS count, CAST(group_concat(json_array(
      ordinal, epoch, state, role, profile, not_before, not_after, shard, created_at, device_id, owner, attributes, superseded_at,
      superseded_by, length(issuer_key_id), length(serial_number), length(der)
    ) || char(10) || issuer_key_id || serial_number || public_key_hash || fingerprint || der, '') AS BLOB) AS packed
  FROM (SELECT * FROM certificates
    WHERE ordinal > ? AND ordinal <= ? AND fingerprint IS NOT NULL AND revocation_order IS NULL ORDER BY ordinal)`

const events = `SELECT count(*) AS count, CAST(group_concat(json_array(
      sequence, type, at, device_id, fingerprint, details, length(issuer_key_id), length(serial_number)
    ) || char(10) || coalesce(issuer_key_id, '') || coalesce(serial_number, ''), '') AS BLOB) AS packed
  FROM (SELECT * FROM ledger WHERE sequence > ? AND sequence <= ? ORDER BY sequence)`

const bounds = {
  certificate: `SELECT max(place) AS last, count(*) AS count FROM
    (SELECT ordinal AS place FROM certificates WHERE ordinal > ? AND ordinal <= ? ORDER BY ordinal LIMIT ?)`,
  event: `SELECT max(place) AS last, count(*) AS count FROM
    (SELECT sequence AS place FROM ledger WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?)`,
}

export function packRows(sql: Sql, request: PackedRequest): PackedRows {
  const { kind, after = '', through = Number.MAX_SAFE_INTEGER, limit } = request
  const from = parsePosition(after)
  const { last, count: found } = sql.get<{ last: number | null; count: number }>(bounds[kind], from, through, limit)!
  if (last === null) return { packed: new Uint8Array(), count: 0, others: [], next: String(from), isLast: true }
  const { packed, count } = sql.get<PackedRow>(kind === 'certificate' ? certificates : events, from, last)!
  return {
    packed: packed ?? new Uint8Array(),
    count,
    others: count === found ? [] : certificatesBetween(sql, from, last),
    next: String(last),
    isLast: found < limit,
  }
}
