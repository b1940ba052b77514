import type { Lease } from '@fleetcert/core'
import { assertLeaseSeconds } from '../arguments.ts'
import { listOf, numberOf } from '../replies.ts'
import { lease as leaseScript, releaseLease as releaseLeaseScript } from '../scripts/leases.ts'
import type { Server } from '../server.ts'

/** `clock`: the store's own time in milliseconds, or '' for the server's. */
export async function lease(
  server: Server,
  name: string,
  holder: string,
  seconds: number,
  clock: string,
): Promise<Lease | undefined> {
  assertLeaseSeconds(seconds)
  const answer = listOf(await server.run(leaseScript, name, holder, String(Math.round(seconds * 1000)), clock))
  return answer.length === 0 ? undefined : { name, fence: numberOf(answer[0]), until: new Date(numberOf(answer[1])) }
}

export async function releaseLease(server: Server, { name, fence }: Lease): Promise<void> {
  await server.run(releaseLeaseScript, name, String(fence))
}
