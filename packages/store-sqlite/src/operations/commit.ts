import { hash } from 'node:crypto'
import type { CertificateId, CertificateState, CommitResult, Events } from '@fleetcert/core'
import { idOctets } from '../arguments.ts'
import { sameOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { offerNewest } from './devices.ts'
import { append } from './ledger.ts'
import { isReplaced } from './reserve.ts'

interface Row {
  readonly ordinal: number
  readonly state: CertificateState
  readonly der: Uint8Array | null
  readonly device: number | null
  readonly is_void: 0 | 1
  readonly is_key_blocked: 0 | 1
  readonly reason: string | null
  readonly supersedes: number | null
  readonly supersede_at: number | null
  readonly created_at: number
}

export function commit(sql: Sql, id: CertificateId, der: Uint8Array, events: Events): CommitResult {
  const row = sql.get<Row>(
    `SELECT ordinal, state, der, device, reason, supersedes, supersede_at,
       created_at,
       EXISTS (SELECT 1 FROM devices d WHERE d.device = c.device AND d.epoch <> c.epoch) AS is_void,
       EXISTS (SELECT 1 FROM blocked_keys b WHERE b.public_key_hash = c.public_key_hash) AS is_key_blocked
     FROM certificates c WHERE issuer_key_id = ? AND serial_number = ?`,
    ...idOctets(id),
  )
  if (row === undefined) return 'lost'
  if (row.der !== null) return row.state === 'issued' && sameOctets(row.der, der) ? 'committed' : 'lost'
  if (row.reason !== null) return 'revoked'
  // What `reserve` checked may have changed while the signature was made.
  if (row.state !== 'reserved' || row.is_void || row.is_key_blocked) return 'lost'
  const fingerprint = new Uint8Array(hash('sha256', der, 'buffer'))
  if (sql.get('SELECT 1 FROM certificates WHERE fingerprint = ?', fingerprint) !== undefined) return 'lost'
  if (row.supersedes !== null) {
    const superseded = sql.run(
      // An end never moves back.
      `UPDATE certificates SET superseded_at = min(coalesce(superseded_at, ?), ?), superseded_by = ?
       WHERE ordinal = ? AND reason IS NULL AND NOT ${isReplaced}`,
      row.supersede_at,
      row.supersede_at,
      row.ordinal,
      row.supersedes,
      row.created_at,
    )
    if (superseded !== 1) return 'lost'
  }
  sql.run(
    `UPDATE certificates SET state = 'issued', der = ?, fingerprint = ?, tbs_certificate = NULL, instance = NULL,
       lease_until = NULL, supersedes = NULL
     WHERE ordinal = ?`,
    der,
    fingerprint,
    row.ordinal,
  )
  if (row.device !== null) offerNewest(sql, row.ordinal)
  append(sql, events)
  return 'committed'
}
