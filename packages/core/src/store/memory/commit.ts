import { hash } from 'node:crypto'
import type { CertificateId, CommitResult } from '../store.ts'
import { isReplaced } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { toOctets } from './octets.ts'

/** Answers, and whether anything changed. */
export function commit(
  table: CertificateTable,
  id: CertificateId,
  der: Uint8Array,
): { readonly result: CommitResult; readonly changed: boolean } {
  const refuse = (result: CommitResult) => ({ result, changed: false })
  const row = table.get(id)
  if (row === undefined) return refuse('lost')
  if (row.der !== undefined) return refuse(row.state === 'issued' && row.der === toOctets(der) ? 'committed' : 'lost')
  if (row.revocation !== undefined) return refuse('revoked')
  if (row.state !== 'reserved' || row.epoch !== table.epochOf(row.subject.deviceId)) return refuse('lost')
  // What `reserve` checked may have changed while the signature was made.
  if (table.isKeyBlocked(row.subject.publicKeyHash)) return refuse('lost')
  const superseded = row.supersedes?.row
  if (superseded !== undefined) {
    if (superseded.revocation !== undefined) return refuse('lost')
    if (isReplaced(superseded, new Date(row.subject.createdAt))) return refuse('lost')
    if (table.get(superseded.subject.id) !== superseded) return refuse('lost')
  }
  const fingerprint = hash('sha256', der, 'binary')
  if (table.getByFingerprint(fingerprint) !== undefined) return refuse('lost')
  table.commit(row, toOctets(der), fingerprint)
  if (superseded !== undefined) {
    const { at } = row.supersedes!
    superseded.supersededAt = earlier(superseded.supersededAt, at)
    superseded.supersededBy = row
    superseded.renewedBy = undefined
  }
  return { result: 'committed', changed: true }
}

/** An end never moves back. */
function earlier(end: Date | undefined, at: Date): Date {
  return end === undefined || at < end ? at : end
}
