import type { CertificateRecord, CertificateState, CertificateSubject, CrlScope, Holder, Revocation } from '../store.ts'
import { copyRecord } from './copies.ts'

/** A certificate or reservation as the memory store keeps it. */
export interface CertificateRow {
  /** Rises in the order of creation. */
  readonly order: number
  readonly subject: CertificateSubject
  state: CertificateState
  der?: Uint8Array
  tbsCertificate?: Uint8Array
  fingerprint?: Uint8Array
  holder?: Holder
  revocation?: Revocation
  /** Place in the scope's listing: given once, kept when a hold is released, so that a listing never shows or misses it by moving. */
  revocationOrder?: number
  supersededAt?: Date
  /** The device's epoch when it was reserved. */
  readonly epoch: number
  /** What it supersedes when it is committed, and when. */
  readonly supersedes?: { readonly row: CertificateRow; readonly at: Date }
  /** The newest reservation that renews it. */
  renewedBy?: CertificateRow
}

/** A hold can be taken back, so it ends nothing yet. */
export function isRevokedForGood(row: CertificateRow): boolean {
  return row.revocation !== undefined && row.revocation.reason !== 'certificateHold'
}

/** Whether it is, or may be again, a certificate that lets somebody in at `at`. */
export function isLiveCertificate(row: CertificateRow, at: Date): boolean {
  return (
    (row.state === 'issued' || row.state === 'pinned') &&
    !isRevokedForGood(row) &&
    (row.supersededAt === undefined || row.supersededAt > at) &&
    row.subject.notAfter >= at
  )
}

/** Whether it may still become a certificate, by whatever holder. */
export function isOpenReservation(row: CertificateRow): boolean {
  return row.state === 'reserved' && !isRevokedForGood(row)
}

export function hasLeaseAt(row: CertificateRow, at: Date): boolean {
  return row.holder !== undefined && row.holder.leaseUntil >= at
}

export function scopeOf(row: CertificateRow): CrlScope {
  return { issuerKeyId: row.subject.id.issuerKeyId, shard: row.subject.shard }
}

export function toRecord(row: CertificateRow): CertificateRecord {
  return copyRecord(row.subject, row.state, row)
}
