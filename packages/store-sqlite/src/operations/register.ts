import type { CertificateState, Events, PinnedCertificate, RegisterResult } from '@fleetcert/core'
import { assertHash, idOctets } from '../arguments.ts'
import { sameOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { offerNewest, openDevice } from './devices.ts'
import { append } from './ledger.ts'
import { isKeyBlocked, subjectValues } from './reserve.ts'

export function register(sql: Sql, record: PinnedCertificate, events: Events): RegisterResult {
  assertHash(record.publicKeyHash, 'publicKeyHash')
  assertHash(record.fingerprint, 'fingerprint')
  const known = sql.get<{ state: CertificateState; device_id: string | null; fingerprint: Uint8Array | null }>(
    `SELECT state, device_id, fingerprint FROM certificates
     WHERE fingerprint = ? OR (issuer_key_id = ? AND serial_number = ?) LIMIT 1`,
    record.fingerprint,
    ...idOctets(record.id),
  )
  if (known !== undefined) {
    const isSame =
      known.state === 'pinned' &&
      known.device_id === (record.deviceId ?? null) &&
      sameOctets(known.fingerprint!, record.fingerprint)
    return isSame ? 'registered' : 'taken'
  }
  if (isKeyBlocked(sql, record.publicKeyHash)) return 'keyBlocked'
  const device = record.deviceId === undefined ? undefined : openDevice(sql, record.deviceId)
  sql.run(
    `INSERT INTO certificates (issuer_key_id, serial_number, role, profile, device_id, owner, attributes, public_key_hash,
       not_before, not_after, shard, created_at, device, epoch, state, der, fingerprint)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pinned', ?, ?)`,
    ...subjectValues(record, device),
    record.der,
    record.fingerprint,
  )
  const { ordinal } = sql.get<{ ordinal: number }>('SELECT last_insert_rowid() AS ordinal')!
  if (device !== undefined) offerNewest(sql, ordinal)
  append(sql, events)
  return 'registered'
}
