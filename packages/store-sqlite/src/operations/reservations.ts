import type { CertificateId } from '@fleetcert/core'
import { idOctets } from '../arguments.ts'
import type { Sql } from '../sql.ts'
import { abandonRow, type OpenReservation } from './reserve.ts'

// The second condition is the one of the index certificates_pending.
const isOpen = `state = 'reserved' AND fingerprint IS NULL`
const reserved = `SELECT ordinal, issuer_key_id, serial_number, device_id, lease_until FROM certificates WHERE ${isOpen}`

export function abandon(sql: Sql, what: Date | (CertificateId & { readonly at: Date }), now: Date): number {
  const at = what instanceof Date ? new Date(Math.min(what.getTime(), now.getTime())) : what.at
  const rows =
    what instanceof Date
      ? sql.all<OpenReservation>(`${reserved} AND lease_until < ? ORDER BY lease_until, ordinal`, what.getTime())
      : sql.all<OpenReservation>(`${reserved} AND issuer_key_id = ? AND serial_number = ?`, ...idOctets(what))
  for (const row of rows) abandonRow(sql, row, at)
  return rows.length
}

export function extendHolder(sql: Sql, instance: string, leaseUntil: Date): void {
  sql.run(`UPDATE certificates SET lease_until = ? WHERE ${isOpen} AND instance = ?`, leaseUntil.getTime(), instance)
}
