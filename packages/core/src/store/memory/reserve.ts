import type { FleetEventInput, Reservation, ReserveResult } from '../store.ts'
import {
  type CertificateRow,
  hasLeaseAt,
  isLiveCertificate,
  isOpenReservation,
  isReplaced,
  newRow,
  storedSubject,
} from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyDate, copyHolder } from './copies.ts'
import { toOctets } from './octets.ts'
import type { Tokens } from './tokens.ts'

/** What a reservation needs from the others in order to be taken. */
type Standing =
  | { readonly result: Exclude<ReserveResult, 'reserved'> }
  | {
      readonly supersedes: { readonly row: CertificateRow; readonly at: Date } | undefined
      /** Reservations in the way whose lease has run out: they are taken from their holders. */
      readonly lapsed: readonly CertificateRow[]
    }

/** Answers, and the events of reservations that it took from their holders; with `reserved`, whether anything was new. */
export function reserve(
  table: CertificateTable,
  tokens: Tokens,
  reservation: Reservation,
): { readonly result: ReserveResult; readonly changed: boolean; readonly taken: readonly FleetEventInput[] } {
  const refuse = (result: ReserveResult) => ({ result, changed: false, taken: [] })
  const known = table.get(reservation.id)
  if (known !== undefined) return refuse(isSame(known, reservation) ? 'reserved' : 'serialTaken')
  if (table.isKeyBlocked(toOctets(reservation.publicKeyHash))) return refuse('keyBlocked')
  const standing = expectation(table, reservation)
  if ('result' in standing) return refuse(standing.result)
  const epoch = table.epochOf(reservation.deviceId)
  const token = reservation.tokenHash && tokens.get(reservation.tokenHash)
  const spender = token?.spentBy
  if (reservation.tokenHash !== undefined) {
    if (token === undefined || token.deviceId !== reservation.deviceId) return refuse('tokenSpent')
    if (token.expiresAt <= reservation.createdAt) return refuse('tokenSpent')
    if (spender !== undefined && !isForNothing(table, spender, reservation.createdAt)) return refuse('tokenSpent')
    // A token does not outlive the revocation of its device.
    if (token.epoch !== epoch) return refuse('deviceClosed')
  }
  const lapsed = new Set(standing.lapsed)
  if (spender !== undefined && isOpenReservation(spender)) lapsed.add(spender)
  for (const row of lapsed) table.abandon(row)
  const row = newRow({
    order: table.nextOrder(),
    subject: storedSubject(reservation),
    state: 'reserved',
    tbsCertificate: toOctets(reservation.tbsCertificate),
    holder: copyHolder(reservation.holder),
    epoch,
    supersedes: standing.supersedes,
  })
  table.insert(row)
  if (row.supersedes !== undefined) row.supersedes.row.renewedBy = row
  if (token !== undefined) token.spentBy = row
  const taken = [...lapsed].map(passed => abandonedEvent(passed, reservation.createdAt))
  return { result: 'reserved', changed: true, taken }
}

/** Whether what spent a token will never be a certificate. What was pruned had become one, as far as anybody knows. */
function isForNothing(table: CertificateTable, spender: CertificateRow, at: Date): boolean {
  if (table.get(spender.subject.id) !== spender) return false
  if (spender.state === 'abandoned') return true
  return spender.state === 'reserved' && (!isOpenReservation(spender) || !hasLeaseAt(spender, at))
}

/** The event of a reservation that was taken from its holder. */
export function abandonedEvent(row: CertificateRow, at: Date): FleetEventInput {
  return {
    type: 'abandoned',
    at,
    ...(row.subject.deviceId !== undefined && { deviceId: row.subject.deviceId }),
    certificate: row.subject.id,
  }
}

function isSame(row: CertificateRow, reservation: Reservation): boolean {
  return (
    row.tbsCertificate !== undefined &&
    row.tbsCertificate === toOctets(reservation.tbsCertificate) &&
    row.subject.deviceId === reservation.deviceId &&
    // Of an abandoned one the holder is gone; its commit answers `lost`.
    (row.holder === undefined || row.holder.instance === reservation.holder.instance)
  )
}

function expectation(table: CertificateTable, reservation: Reservation): Standing {
  const { expect, deviceId, createdAt } = reservation
  if (expect === 'any') return { supersedes: undefined, lapsed: [] }
  if (expect === 'newDevice') {
    if (deviceId === undefined) throw new TypeError("expect 'newDevice' needs a deviceId")
    const rows = table.device(deviceId)?.rows ?? []
    const open = rows.filter(isOpenReservation)
    if (open.some(row => hasLeaseAt(row, createdAt)) || rows.some(row => isLiveCertificate(row, createdAt))) {
      return { result: 'expectationFailed' }
    }
    return { supersedes: undefined, lapsed: open }
  }
  const row = table.getByFingerprint(toOctets(expect.supersedes))
  if (
    row === undefined ||
    deviceId === undefined ||
    row.subject.deviceId !== deviceId ||
    row.revocation !== undefined
  ) {
    return { result: 'deviceClosed' }
  }
  if (isReplaced(row, createdAt)) return { result: 'expectationFailed' }
  const other = row.renewedBy !== undefined && isOpenReservation(row.renewedBy) ? row.renewedBy : undefined
  if (other !== undefined && hasLeaseAt(other, createdAt)) return { result: 'expectationFailed' }
  return { supersedes: { row, at: copyDate(expect.at) }, lapsed: other === undefined ? [] : [other] }
}
