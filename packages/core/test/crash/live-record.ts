import type { CertificateRecord } from '@fleetcert/core'

/** Whether a certificate lets its device in at that moment, or may again. */
export function isLive(row: CertificateRecord, now: Date): boolean {
  return (
    row.state === 'issued' &&
    (row.revocation === undefined || row.revocation.reason === 'certificateHold') &&
    (row.supersededAt === undefined || row.supersededAt > now) &&
    row.notAfter >= now
  )
}

/** Whether a reservation may still become a certificate. */
export function isOpen(row: CertificateRecord): boolean {
  return row.state === 'reserved' && (row.revocation === undefined || row.revocation.reason === 'certificateHold')
}
