import type { CertificateId, FleetEventInput } from '../store.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyDate } from './copies.ts'
import { eventOf } from './revoke.ts'

/** The ids whose end moved, and their events. */
export function supersede(
  table: CertificateTable,
  id: CertificateId,
  at: Date,
  event: FleetEventInput,
): { readonly ids: readonly CertificateId[]; readonly events: readonly FleetEventInput[] } {
  const row = table.get(id)
  const deviceId = row?.subject.deviceId
  if (row?.der === undefined || row.revocation !== undefined || deviceId === undefined) return { ids: [], events: [] }
  const moved = table
    .openDevice(deviceId)
    .rows.filter(other => other.order < row.order && other.supersededAt !== undefined && other.supersededAt > at)
  for (const other of moved) other.supersededAt = copyDate(at)
  return { ids: moved.map(({ subject }) => ({ ...subject.id })), events: moved.map(other => eventOf(other, event)) }
}
