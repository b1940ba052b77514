import type { RetentionMarks } from '@fleetcert/core'
import { assertLimit } from '../arguments.ts'
import { dateText } from '../octets.ts'
import { listOf, numberOf } from '../replies.ts'
import type { Script } from '../script.ts'
import { pruneCertificates, pruneLedger, pruneTokens } from '../scripts/prune.ts'
import type { Server } from '../server.ts'

/** How many of something one script drops, or looks at: others wait meanwhile. */
const perScript = 100

/** `isStopped` throws when the caller has given up. */
export async function prune(
  server: Server,
  { ledgerBefore, certificatesExpiredBefore }: RetentionMarks,
  limit: number,
  isStopped: () => void,
): Promise<number> {
  assertLimit(limit)
  let count = 0
  if (ledgerBefore !== undefined) {
    count += await dropAll(server, pruneLedger, dateText(ledgerBefore, 'ledgerBefore'), limit, isStopped)
  }
  if (certificatesExpiredBefore !== undefined) {
    const before = dateText(certificatesExpiredBefore, 'certificatesExpiredBefore')
    count += await dropCertificates(server, before, limit - count, isStopped)
    count += await dropAll(server, pruneTokens, before, limit - count, isStopped)
  }
  return count
}

async function dropAll(
  server: Server,
  script: Script,
  before: string,
  limit: number,
  isStopped: () => void,
): Promise<number> {
  let total = 0
  while (total < limit) {
    const wanted = Math.min(limit - total, perScript)
    const count = numberOf(await server.run(script, before, String(wanted)))
    total += count
    if (count < wanted) break
    isStopped()
  }
  return total
}

async function dropCertificates(server: Server, before: string, limit: number, isStopped: () => void): Promise<number> {
  let total = 0
  let passed = 0
  while (total < limit) {
    const wanted = String(Math.min(limit - total, perScript))
    const [count, goesOn] = listOf(await server.run(pruneCertificates, before, wanted, String(passed))).map(numberOf)
    total += count!
    if (goesOn === 0) break
    if (goesOn === 2) passed += 1
    isStopped()
  }
  return total
}
