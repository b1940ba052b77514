import type { CertificateSubject, Events, Reservation, ReserveResult } from '@fleetcert/core'
import { assertHash, idOctets } from '../arguments.ts'
import { sameOctets, toHex } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import type { SqliteValue } from '../sqlite-database.ts'
import { type DeviceKey, findDevice, insertDevice } from './devices.ts'
import { append } from './ledger.ts'
import { checkToken, spendToken } from './tokens.ts'

/** What a reservation needs from the others in order to be taken. */
type Standing =
  | { readonly result: Exclude<ReserveResult, 'reserved'> }
  | {
      readonly supersedes?: { readonly ordinal: number; readonly at: Date }
      /** Reservations in the way whose lease has run out: they are taken from their holders. */
      readonly lapsed: readonly OpenReservation[]
    }

export interface OpenReservation {
  readonly ordinal: number
  readonly issuer_key_id: Uint8Array
  readonly serial_number: Uint8Array
  readonly device_id: string | null
  readonly lease_until: number
}

// A hold can be taken back, so it ends nothing yet.
const notRevokedForGood = `(reason IS NULL OR reason = 'certificateHold')`
const openReservation = `SELECT ordinal, issuer_key_id, serial_number, device_id, lease_until FROM certificates
  WHERE state = 'reserved' AND ${notRevokedForGood}`

export function reserve(sql: Sql, reservation: Reservation, events: Events): ReserveResult {
  assertHash(reservation.publicKeyHash, 'publicKeyHash')
  const answered = isKnown(sql, reservation)
  if (answered !== undefined) return answered
  if (isKeyBlocked(sql, reservation.publicKeyHash)) return 'keyBlocked'
  const known = reservation.deviceId === undefined ? undefined : findDevice(sql, reservation.deviceId)
  const standing = expectation(sql, reservation, known)
  if ('result' in standing) return standing.result
  const token = reservation.tokenHash && checkToken(sql, reservation.tokenHash, reservation, known?.epoch ?? 0)
  if (token !== undefined && 'refused' in token) return token.refused
  for (const row of standing.lapsed) abandonRow(sql, row, reservation.createdAt)
  const spender = token?.lapsed
  if (spender !== undefined && !standing.lapsed.some(({ ordinal }) => ordinal === spender.ordinal)) {
    abandonRow(sql, spender, reservation.createdAt)
  }
  const device = known ?? (reservation.deviceId === undefined ? undefined : insertDevice(sql, reservation.deviceId))
  sql.run(
    `INSERT INTO certificates (issuer_key_id, serial_number, role, profile, device_id, owner, attributes, public_key_hash,
       not_before, not_after, shard, created_at, device, epoch, state, tbs_certificate, instance, lease_until, supersedes,
       supersede_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?)`,
    ...subjectValues(reservation, device),
    reservation.tbsCertificate,
    reservation.holder.instance,
    reservation.holder.leaseUntil.getTime(),
    standing.supersedes?.ordinal ?? null,
    standing.supersedes?.at.getTime() ?? null,
  )
  if (reservation.tokenHash !== undefined) {
    const { ordinal } = sql.get<{ ordinal: number }>('SELECT last_insert_rowid() AS ordinal')!
    spendToken(sql, reservation.tokenHash, ordinal)
  }
  append(sql, events)
  return 'reserved'
}

/**
 * Whether a row of `certificates` cannot be renewed for having been renewed; its parameter is the time. What is good yet, and was replaced by what has been revoked for good, with all that has replaced that in turn, is the
 * device's best again.
 */
export const isReplaced = `(superseded_at IS NOT NULL AND NOT (superseded_at > ? AND EXISTS (
  SELECT 1 FROM certificates n WHERE n.ordinal = certificates.superseded_by) AND NOT EXISTS (
  WITH RECURSIVE successors(reason, next) AS (
    SELECT n.reason, n.superseded_by FROM certificates n WHERE n.ordinal = certificates.superseded_by
    UNION ALL SELECT n.reason, n.superseded_by FROM successors s CROSS JOIN certificates n ON n.ordinal = s.next
  ) SELECT 1 FROM successors WHERE reason IS NULL OR reason = 'certificateHold')))`

export function isKeyBlocked(sql: Sql, publicKeyHash: Uint8Array): boolean {
  return sql.get('SELECT 1 FROM blocked_keys WHERE public_key_hash = ?', publicKeyHash) !== undefined
}

/** Takes a reservation from its holder, and says so in the ledger. */
export function abandonRow(sql: Sql, row: OpenReservation, at: Date): void {
  sql.run(
    `UPDATE certificates SET state = 'abandoned', instance = NULL, lease_until = NULL, supersedes = NULL
     WHERE ordinal = ?`,
    row.ordinal,
  )
  const certificate = { issuerKeyId: toHex(row.issuer_key_id), serialNumber: toHex(row.serial_number) }
  append(sql, [{ type: 'abandoned', at, ...(row.device_id !== null && { deviceId: row.device_id }), certificate }])
}

/** Values of the fourteen columns that every certificate has, in the order of the inserts. */
export function subjectValues(subject: CertificateSubject, device: DeviceKey | undefined): SqliteValue[] {
  return [
    ...idOctets(subject.id),
    subject.role,
    subject.profile,
    subject.deviceId ?? null,
    subject.owner ?? null,
    subject.attributes === undefined ? null : JSON.stringify(subject.attributes),
    subject.publicKeyHash,
    subject.notBefore.getTime(),
    subject.notAfter.getTime(),
    subject.shard,
    subject.createdAt.getTime(),
    device?.device ?? null,
    device?.epoch ?? 0,
  ]
}

/** What is answered when the id is known already: the same reservation, or another certificate. */
function isKnown(sql: Sql, reservation: Reservation): ReserveResult | undefined {
  const row = sql.get<{ tbs_certificate: Uint8Array | null; device_id: string | null; instance: string | null }>(
    'SELECT tbs_certificate, device_id, instance FROM certificates WHERE issuer_key_id = ? AND serial_number = ?',
    ...idOctets(reservation.id),
  )
  if (row === undefined) return undefined
  const isSame =
    row.tbs_certificate !== null &&
    sameOctets(row.tbs_certificate, reservation.tbsCertificate) &&
    row.device_id === (reservation.deviceId ?? null) &&
    // Of an abandoned one the holder is gone; its commit answers `lost`.
    (row.instance === null || row.instance === reservation.holder.instance)
  return isSame ? 'reserved' : 'serialTaken'
}

function expectation(sql: Sql, { expect, deviceId, createdAt }: Reservation, device: DeviceKey | undefined): Standing {
  const now = createdAt.getTime()
  if (expect === 'any') return { lapsed: [] }
  if (expect === 'newDevice') {
    if (deviceId === undefined) throw new TypeError("expect 'newDevice' needs a deviceId")
    if (device === undefined) return { lapsed: [] }
    const live = sql.get(
      `SELECT 1 FROM certificates
       WHERE device = ? AND state IN ('issued', 'pinned') AND ${notRevokedForGood}
         AND (superseded_at IS NULL OR superseded_at > ?) AND not_after >= ? LIMIT 1`,
      device.device,
      now,
      now,
    )
    const open = sql.all<OpenReservation>(`${openReservation} AND device = ?`, device.device)
    if (live !== undefined || open.some(row => row.lease_until >= now)) return { result: 'expectationFailed' }
    return { lapsed: open }
  }
  const row = sql.get<{
    ordinal: number
    device_id: string | null
    reason: string | null
    is_replaced: 0 | 1
  }>(
    `SELECT ordinal, device_id, reason, ${isReplaced} AS is_replaced FROM certificates WHERE fingerprint = ?`,
    now,
    expect.supersedes,
  )
  if (row === undefined || deviceId === undefined || row.device_id !== deviceId || row.reason !== null) {
    return { result: 'deviceClosed' }
  }
  if (row.is_replaced === 1) return { result: 'expectationFailed' }
  const open = sql.all<OpenReservation>(`${openReservation} AND supersedes = ?`, row.ordinal)
  if (open.some(other => other.lease_until >= now)) return { result: 'expectationFailed' }
  return { supersedes: { ordinal: row.ordinal, at: expect.at }, lapsed: open }
}
