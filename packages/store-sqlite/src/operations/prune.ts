import type { RetentionMarks } from '@fleetcert/core'
import { assertLimit } from '../arguments.ts'
import type { Sql } from '../sql.ts'
import { refreshNewest } from './devices.ts'
import { pruneLedger } from './ledger.ts'

export function prune(sql: Sql, { ledgerBefore, certificatesExpiredBefore }: RetentionMarks, limit: number): number {
  assertLimit(limit)
  let count = 0
  if (ledgerBefore !== undefined) count += pruneLedger(sql, ledgerBefore, limit)
  if (certificatesExpiredBefore !== undefined) {
    count += pruneCertificates(sql, certificatesExpiredBefore, limit - count)
    count += sql.run(
      'DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at < ? LIMIT ?)',
      certificatesExpiredBefore.getTime(),
      limit - count,
    )
  }
  return count
}

// RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL
// issued beyond the revoked certificate's validity period."
function pruneCertificates(sql: Sql, expiredBefore: Date, limit: number): number {
  const rows = sql.all<{ ordinal: number; device: number | null }>(
    `SELECT ordinal, device FROM certificates c
     WHERE not_after < ? AND (reason IS NULL OR state = 'pinned' OR EXISTS (
       SELECT 1 FROM crl_scopes s JOIN crls l USING (scope) WHERE s.issuer_key_id = c.issuer_key_id AND s.shard = c.shard
         AND l.delta = 0 AND l.this_update > c.not_after AND l.this_update > c.revocation_date))
     ORDER BY not_after LIMIT ?`,
    expiredBefore.getTime(),
    limit,
  )
  for (const row of rows) sql.run('DELETE FROM certificates WHERE ordinal = ?', row.ordinal)
  for (const device of new Set(rows.map(row => row.device))) {
    if (device !== null) refreshNewest(sql, device)
  }
  return rows.length
}
