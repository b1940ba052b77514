import type { Sql } from '../sql.ts'
import { abandonRow, type OpenReservation } from './reserve.ts'

export function abandon(sql: Sql, before: Date, now: Date): number {
  const at = new Date(Math.min(before.getTime(), now.getTime()))
  const rows = sql.all<OpenReservation>(
    `SELECT ordinal, issuer_key_id, serial_number, device_id, lease_until FROM certificates
     WHERE state = 'reserved' AND lease_until < ? ORDER BY ordinal`,
    before.getTime(),
  )
  for (const row of rows) abandonRow(sql, row, at)
  return rows.length
}

export function extendHolder(sql: Sql, instance: string, leaseUntil: Date): void {
  sql.run(
    `UPDATE certificates SET lease_until = ? WHERE state = 'reserved' AND instance = ?`,
    leaseUntil.getTime(),
    instance,
  )
}
