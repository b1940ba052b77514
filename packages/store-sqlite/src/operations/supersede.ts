import type { CertificateId, FleetEventInput } from '@fleetcert/core'
import { idOctets } from '../arguments.ts'
import { toHex } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { append } from './ledger.ts'
import { formatFingerprint } from './revoke.ts'

export function supersede(
  sql: Sql,
  id: CertificateId,
  at: Date,
  { fingerprint: _, ...event }: FleetEventInput,
): readonly CertificateId[] {
  const row = sql.get<{ ordinal: number; device: number | null }>(
    `SELECT ordinal, device FROM certificates
     WHERE issuer_key_id = ? AND serial_number = ? AND state IN ('issued', 'pinned') AND reason IS NULL`,
    ...idOctets(id),
  )
  if (row === undefined || row.device === null) return []
  const moved = sql.all<{
    readonly ordinal: number
    readonly issuer_key_id: Uint8Array
    readonly serial_number: Uint8Array
    readonly fingerprint: Uint8Array
  }>(
    `SELECT ordinal, issuer_key_id, serial_number, fingerprint FROM certificates
     WHERE device = ? AND ordinal < ? AND superseded_at > ? ORDER BY ordinal`,
    row.device,
    row.ordinal,
    at.getTime(),
  )
  return moved.map(({ ordinal, issuer_key_id, serial_number, fingerprint }) => {
    sql.run('UPDATE certificates SET superseded_at = ? WHERE ordinal = ?', at.getTime(), ordinal)
    const certificate = { issuerKeyId: toHex(issuer_key_id), serialNumber: toHex(serial_number) }
    append(sql, [{ ...event, certificate, fingerprint: formatFingerprint(fingerprint) }])
    return certificate
  })
}
