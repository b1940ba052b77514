import { encodeRevokedEntries, type RevokedEntryFields } from '@fleetcert/x509'
import { parseChange, parseCrlEntriesPosition } from '../arguments.ts'
import type { CrlEntriesPage, CrlEntriesQuery, CrlScope, Cursor } from '../store.ts'
import type { CertificateRow } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { firstAfter } from './listings.ts'

/** One page of a CRL's entries. */
export function listCrlEntries(
  table: CertificateTable,
  scope: CrlScope,
  { without, changedSince }: CrlEntriesQuery,
  page: { readonly after?: Cursor; readonly limit: number },
): CrlEntriesPage {
  const rows = table.revoked(scope)
  const latest = table.lastChange(scope)
  const { bound, last, change } = parseCrlEntriesPosition(page.after) ?? {
    bound: rows.at(-1)?.revocationOrder ?? 0,
    last: 0,
    change: latest,
  }
  const unchangedSince = without === undefined ? -1 : parseChange(without.unchangedSince, latest)
  const endedBefore = without?.endedBefore.getTime() ?? Number.NEGATIVE_INFINITY
  const since = changedSince === undefined ? Number.POSITIVE_INFINITY : parseChange(changedSince, latest)

  const entries: RevokedEntryFields[] = []
  const changes: RevokedEntryFields[] = []
  const begin = firstAfter(rows, last)
  let index = begin
  for (; index < rows.length && index - begin < page.limit; index++) {
    const row = rows[index]!
    if (row.revocationOrder! > bound) break
    const { revocation, releasedAt, lastChange = 0 } = row
    const hasEnded = row.subject.notAfter < endedBefore && dateOf(row) < endedBefore
    if (hasEnded && lastChange <= unchangedSince) continue
    const { serialNumber } = row.subject.id
    if (revocation !== undefined) entries.push({ serialNumber, revocation })
    if (lastChange <= since) continue
    if (revocation !== undefined) changes.push({ serialNumber, revocation })
    else if (releasedAt !== undefined) {
      changes.push({ serialNumber, revocation: { revocationDate: releasedAt, reason: 'removeFromCRL' } })
    }
  }
  const following = rows[index]?.revocationOrder
  return {
    entries: encodeRevokedEntries(entries),
    changes: encodeRevokedEntries(changes),
    position: String(change),
    ...(following !== undefined &&
      following <= bound && { next: `${bound}.${rows[index - 1]!.revocationOrder!}.${change}` }),
  }
}

function dateOf({ revocation, releasedAt }: CertificateRow): number {
  return (revocation?.revocationDate ?? releasedAt)?.getTime() ?? Number.NEGATIVE_INFINITY
}
