import { type CrlReason, formatFingerprint, PkiError } from '@fleetcert/x509'
import { createdPosition, parsePosition } from '../arguments.ts'
import type {
  CertificateId,
  Cursor,
  EndedCertificate,
  FleetEventInput,
  Page,
  Revocation,
  RevocationQuery,
} from '../store.ts'
import type { CertificateRow } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyRevocation } from './copies.ts'
import { listRows } from './listings.ts'
import { octetsOf } from './octets.ts'

/** First wins, but a hold gives way to a final revocation, and any reason to keyCompromise, whose date stays the first one's. Whether this call revoked. */
export function revokeRow(table: CertificateTable, row: CertificateRow, revocation: Revocation): boolean {
  const current = row.revocation
  if (current !== undefined && !outweighs(revocation.reason, current.reason)) return false
  const next = copyRevocation(revocation)
  row.revocation =
    current === undefined || current.reason === 'certificateHold'
      ? next
      : { ...next, revocationDate: current.revocationDate }
  table.indexRevocation(row)
  return true
}

function outweighs(next: CrlReason, current: CrlReason): boolean {
  if (current === 'certificateHold') return next !== 'certificateHold'
  return next === 'keyCompromise' && current !== 'keyCompromise'
}

/** The ids that this call revoked, and their events. */
export function revokeDevice(
  table: CertificateTable,
  deviceId: string,
  revocation: Revocation,
  event: FleetEventInput,
): { readonly ids: readonly CertificateId[]; readonly events: readonly FleetEventInput[] } {
  const device = table.openDevice(deviceId)
  device.epoch += 1
  const revoked = device.rows.filter(row => revokeRow(table, row, revocation))
  return {
    ids: revoked.map(row => ({ ...row.subject.id })),
    events: revoked.map(row => eventOf(row, event)),
  }
}

/** What a page ended, and the events of it. */
export function revokeAll(
  table: CertificateTable,
  query: RevocationQuery,
  revocation: Revocation,
  event: FleetEventInput,
  page: { readonly after?: Cursor; readonly limit: number },
): { readonly page: Page<EndedCertificate>; readonly events: readonly FleetEventInput[] } {
  const last = query.list === 'created' ? createdPosition(query, page.after).order : parsePosition(page.after)
  if (last > table.lastOrder) throw new PkiError('ERR_PKI_CURSOR', {})
  const { items, ...rest } = listRows(table, query, page)
  const ended = items.filter(row => !isOwnCa(row) && revokeRow(table, row, revocation))
  if (query.list === 'owner' || query.list === 'attribute') {
    for (const deviceId of new Set(ended.map(row => row.subject.deviceId))) {
      if (deviceId !== undefined) table.openDevice(deviceId).epoch += 1
    }
  }
  return {
    page: { items: ended.map(toEnded), ...rest },
    events: ended.map(row => ({
      ...eventOf(row, event),
      ...(row.subject.deviceId !== undefined && { deviceId: row.subject.deviceId }),
    })),
  }
}

function isOwnCa(row: CertificateRow): boolean {
  return row.subject.role === 'root' || row.subject.role === 'issuingCa'
}

function toEnded({ subject }: CertificateRow): EndedCertificate {
  return { id: { ...subject.id }, ...(subject.deviceId !== undefined && { deviceId: subject.deviceId }) }
}

/** The event of one certificate, of the one that stands for all. */
export function eventOf(row: CertificateRow, { fingerprint: _, ...event }: FleetEventInput): FleetEventInput {
  return {
    ...event,
    certificate: row.subject.id,
    ...(row.fingerprint && { fingerprint: formatFingerprint(octetsOf(row.fingerprint)) }),
  }
}

/** Takes back a hold and nothing else. */
export function release(row: CertificateRow | undefined): boolean {
  if (row?.revocation?.reason !== 'certificateHold') return false
  row.releasedAt = row.revocation.revocationDate
  row.revocation = undefined
  return true
}
