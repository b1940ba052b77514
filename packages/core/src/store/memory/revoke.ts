import { type CrlReason, formatFingerprint } from '@fleetcert/x509'
import type { CertificateId, FleetEventInput, Revocation } from '../store.ts'
import type { CertificateRow } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyRevocation } from './copies.ts'

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

function eventOf(row: CertificateRow, { fingerprint: _, ...event }: FleetEventInput): FleetEventInput {
  return {
    ...event,
    certificate: row.subject.id,
    ...(row.fingerprint && { fingerprint: formatFingerprint(row.fingerprint) }),
  }
}

/** Takes back a hold and nothing else. */
export function release(row: CertificateRow | undefined): boolean {
  if (row?.revocation?.reason !== 'certificateHold') return false
  delete row.revocation
  return true
}
