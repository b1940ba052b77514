import type { CertificateRecord } from '../../store/store.ts'
import type { RenewalSchedule } from './renewal-schedule.ts'

/** When a device should renew, at a moment that it draws itself, so that a fleet does not come in step (RFC 9773 section 4.2). A window that is over: at once. */
export interface RenewalWindow {
  /** Not before then. */
  readonly start: Date
  /** Not after then; never after notAfter. */
  readonly end: Date
}

// In parts of a lifetime. A device that fails at the end of its window has a twelfth of it left for trying again.
const usualStart = 15 / 24
const usualEnd = 17 / 24
const latestStart = 21 / 24
const latestEnd = 22 / 24

/** Around two thirds of a certificate's lifetime; or when a schedule says, but in time: the certificate must not run out. */
export function renewalWindow(
  record: CertificateRecord,
  schedule?: Pick<RenewalSchedule, 'from' | 'to'>,
): RenewalWindow {
  const begin = lifetimeBegin(record)
  const lifetime = Math.max(0, record.notAfter.getTime() - begin)
  const part = (fraction: number): number => begin + Math.floor(lifetime * fraction)
  if (schedule === undefined) return { start: new Date(part(usualStart)), end: new Date(part(usualEnd)) }
  const start = Math.min(schedule.from.getTime(), part(latestStart))
  const end = Math.min(schedule.to.getTime(), part(latestEnd))
  return { start: new Date(start), end: new Date(Math.max(start, end)) }
}

// notBefore of what is issued here lies before its making; a pinned certificate may be registered late in its life.
function lifetimeBegin({ state, createdAt, notBefore }: CertificateRecord): number {
  return state === 'issued' ? Math.max(createdAt.getTime(), notBefore.getTime()) : notBefore.getTime()
}

/** Whether a schedule is meant for a certificate. */
export function isScheduled(record: CertificateRecord, schedule: RenewalSchedule): boolean {
  const { owner, profile, issuerKeyId, deviceIds, issuedBefore } = schedule
  return (
    record.createdAt < issuedBefore &&
    (owner === undefined || record.owner === owner) &&
    (profile === undefined || record.profile === profile) &&
    (issuerKeyId === undefined || record.id.issuerKeyId === issuerKeyId) &&
    (deviceIds === undefined || (record.deviceId !== undefined && deviceIds.includes(record.deviceId)))
  )
}
