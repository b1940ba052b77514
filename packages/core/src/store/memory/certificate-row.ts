import type {
  CertificateId,
  CertificateRecord,
  CertificateRole,
  CertificateState,
  CertificateSubject,
  CrlScope,
  Holder,
  Revocation,
} from '../store.ts'
import { copyRevocation, type Mutable } from './copies.ts'
import { type Octets, octetsOf, toOctets } from './octets.ts'

// A million rows are looked at by every garbage collection: few objects each, all of one shape, dates as milliseconds.

/** {@link CertificateSubject} as the memory store keeps it. */
export interface StoredSubject {
  readonly id: CertificateId
  readonly role: CertificateRole
  readonly profile: string
  readonly deviceId: string | undefined
  readonly owner: string | undefined
  readonly attributes: Readonly<Record<string, string>> | undefined
  readonly publicKeyHash: Octets
  readonly notBefore: number
  readonly notAfter: number
  readonly shard: number
  readonly createdAt: number
}

/** A certificate or reservation as the memory store keeps it. */
export interface CertificateRow {
  /** Rises in the order of creation. */
  readonly order: number
  readonly subject: StoredSubject
  state: CertificateState
  der: Octets | undefined
  tbsCertificate: Octets | undefined
  fingerprint: Octets | undefined
  holder: Holder | undefined
  revocation: Revocation | undefined
  /** Place in the scope's listing: given once, kept when a hold is released, so that a listing never shows or misses it by moving. */
  revocationOrder: number | undefined
  /** Place among the changes of the scope: of the latest revocation, release or change of reason. */
  lastChange: number | undefined
  /** When the hold was made that was taken back last. */
  releasedAt: Date | undefined
  supersededAt: Date | undefined
  /** The device's epoch when it was reserved. */
  readonly epoch: number
  /** What it supersedes when it is committed, and when. */
  readonly supersedes: { readonly row: CertificateRow; readonly at: Date } | undefined
  /** The newest reservation that renews it. */
  renewedBy: CertificateRow | undefined
  /** The certificate that has superseded it. */
  supersededBy: CertificateRow | undefined
}

export function storedSubject(subject: CertificateSubject): StoredSubject {
  return {
    id: { issuerKeyId: subject.id.issuerKeyId, serialNumber: subject.id.serialNumber },
    role: subject.role,
    profile: subject.profile,
    deviceId: subject.deviceId,
    owner: subject.owner,
    attributes: subject.attributes && { ...subject.attributes },
    publicKeyHash: toOctets(subject.publicKeyHash),
    notBefore: subject.notBefore.getTime(),
    notAfter: subject.notAfter.getTime(),
    shard: subject.shard,
    createdAt: subject.createdAt.getTime(),
  }
}

/** A row in which what is not given is not there yet. */
export function newRow(
  row: Pick<CertificateRow, 'order' | 'subject' | 'state' | 'epoch'> &
    Partial<Pick<CertificateRow, 'der' | 'tbsCertificate' | 'fingerprint' | 'holder' | 'supersedes'>>,
): CertificateRow {
  return {
    order: row.order,
    subject: row.subject,
    state: row.state,
    der: row.der,
    tbsCertificate: row.tbsCertificate,
    fingerprint: row.fingerprint,
    holder: row.holder,
    revocation: undefined,
    revocationOrder: undefined,
    lastChange: undefined,
    releasedAt: undefined,
    supersededAt: undefined,
    epoch: row.epoch,
    supersedes: row.supersedes,
    renewedBy: undefined,
    supersededBy: undefined,
  }
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
    row.subject.notAfter >= at.getTime()
  )
}

/** Whether it cannot be renewed for having been renewed. What is good yet, and was replaced by what has been revoked for good, with all that has replaced that in turn, is the device's best again. */
export function isReplaced({ supersededAt, supersededBy }: CertificateRow, at: Date): boolean {
  if (supersededAt === undefined) return false
  if (supersededAt <= at || supersededBy === undefined) return true
  // What has replaced the one that was revoked may be good, and then it is the device's best.
  for (let next: CertificateRow | undefined = supersededBy; next !== undefined; next = next.supersededBy) {
    if (!isRevokedForGood(next)) return true
  }
  return false
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

/** The caller's own copy. */
export function toRecord(row: CertificateRow): CertificateRecord {
  const { subject } = row
  const record: Mutable<CertificateRecord> = {
    id: { issuerKeyId: subject.id.issuerKeyId, serialNumber: subject.id.serialNumber },
    role: subject.role,
    profile: subject.profile,
    publicKeyHash: octetsOf(subject.publicKeyHash),
    notBefore: new Date(subject.notBefore),
    notAfter: new Date(subject.notAfter),
    shard: subject.shard,
    createdAt: new Date(subject.createdAt),
    state: row.state,
  }
  if (subject.deviceId !== undefined) record.deviceId = subject.deviceId
  if (subject.owner !== undefined) record.owner = subject.owner
  if (subject.attributes !== undefined) record.attributes = { ...subject.attributes }
  if (row.der !== undefined) record.der = octetsOf(row.der)
  if (row.tbsCertificate !== undefined) record.tbsCertificate = octetsOf(row.tbsCertificate)
  if (row.fingerprint !== undefined) record.fingerprint = octetsOf(row.fingerprint)
  if (row.revocation !== undefined) record.revocation = copyRevocation(row.revocation)
  if (row.supersededAt !== undefined) record.supersededAt = new Date(row.supersededAt)
  if (row.holder !== undefined)
    record.holder = { instance: row.holder.instance, leaseUntil: new Date(row.holder.leaseUntil) }
  return record
}
