import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type CertificateEntry,
  type CrlEntry,
  type CrlName,
  encodeRevokedEntries,
  revokedEntryDate,
  type StoreRecord,
} from '@fleetcert/core'
import type { ExportedCertificate, ExportedCrl, ExportedRow } from './operations/export-records.ts'

const partsPerTurn = 4

type ReadParts = (
  name: CrlName,
  crlNumber: bigint,
  from: number,
  count: number,
) => Promise<readonly Uint8Array[] | undefined>

/** The records of rows. A CRL that was replaced meanwhile is left out: its records come with what replaced it. */
export async function toRecords(rows: readonly ExportedRow[], readParts: ReadParts): Promise<readonly StoreRecord[]> {
  const records: StoreRecord[] = []
  for (const row of rows) {
    if (row.kind === 'exportedCertificate') records.push(toCertificateEntry(row))
    else if (row.kind !== 'exportedCrl') records.push(row)
    else {
      const entry = await toCrlEntry(row, readParts)
      if (entry !== undefined) records.push(entry)
    }
  }
  return records
}

function toCertificateEntry({ entry, released }: ExportedCertificate): CertificateEntry {
  if (released === undefined || entry.revocation === undefined) return entry
  // Later than notAfter, the end is the very date of the hold.
  const isExact = released.ended > entry.record.notAfter.getTime()
  const heldAt = isExact ? new Date(released.ended) : revokedEntryDate(released.octets)
  return { ...entry, revocation: { ...entry.revocation, heldAt } }
}

async function toCrlEntry({ kind: _, ...crl }: ExportedCrl, readParts: ReadParts): Promise<CrlEntry | undefined> {
  const digest = createHash('sha256')
  for (let from = 0; from < crl.parts; ) {
    if (from > 0) await nextTurn()
    const some = await readParts(crl, crl.crlNumber, from, partsPerTurn)
    if (some === undefined || some.length === 0) return undefined
    for (const part of some) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      digest.update(length).update(part)
    }
    from += some.length
  }
  return { kind: 'crl', ...crl, digest: new Uint8Array(digest.digest()) }
}

/** What a CRL says of each record that is a certificate which was ever revoked: the thread that writes has no encoder. */
export function entriesOf(records: readonly StoreRecord[]): readonly (Uint8Array | undefined)[] {
  return records.map(record => {
    if (record.kind !== 'certificate' || record.revocation === undefined) return undefined
    const { serialNumber } = record.record.id
    const { heldAt } = record.revocation
    const revocation =
      record.record.revocation ?? (heldAt && { revocationDate: heldAt, reason: 'removeFromCRL' as const })
    return revocation && encodeRevokedEntries([{ serialNumber, revocation }])
  })
}
