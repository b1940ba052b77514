import type { RetentionMarks } from '@fleetcert/core'
import { assertLimit, milliseconds } from '../arguments.ts'
import type { Change } from '../server.ts'

/** Rows that one change drops, while it keeps other writers waiting. */
const rowsPerChange = 500

/** Drops in steps. `change` rejects when the caller has given up. */
export async function prune(
  change: (change: Change) => Promise<unknown>,
  { ledgerBefore, certificatesExpiredBefore }: RetentionMarks,
  limit: number,
): Promise<number> {
  assertLimit(limit)
  let count = 0
  const drop = async (kind: string, before: Date | undefined): Promise<void> => {
    if (before === undefined) return
    const mark = milliseconds(before, 'before')
    while (count < limit) {
      const some = Math.min(limit - count, rowsPerChange)
      const dropped = Number(await change({ do: kind, before: mark, limit: some }))
      count += dropped
      if (dropped < some) return
    }
  }
  await drop('pruneLedger', ledgerBefore)
  await drop('pruneCertificates', certificatesExpiredBefore)
  await drop('pruneTokens', certificatesExpiredBefore)
  return count
}
