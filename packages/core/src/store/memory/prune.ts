import { type CertificateRow, scopeOf } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import type { CrlTable } from './crl-table.ts'

/** Forgets certificates that expired before `expiredBefore`; how many. The only operation that looks at every certificate. */
export function pruneCertificates(table: CertificateTable, crls: CrlTable, expiredBefore: Date, limit: number): number {
  const rows = new Set<CertificateRow>()
  for (const row of table.rows()) {
    if (rows.size === limit) break
    if (row.subject.notAfter < expiredBefore.getTime() && wasListedAfterExpiry(row, crls)) rows.add(row)
  }
  if (rows.size > 0) table.delete(rows)
  return rows.size
}

// RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly scheduled CRL
// issued beyond the revoked certificate's validity period."
function wasListedAfterExpiry(row: CertificateRow, crls: CrlTable): boolean {
  if (row.revocation === undefined || row.state === 'pinned') return true
  const crl = crls.current(scopeOf(row))
  return (
    crl !== undefined &&
    crl.thisUpdate.getTime() > row.subject.notAfter &&
    crl.thisUpdate > row.revocation.revocationDate
  )
}
