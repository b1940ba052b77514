import { setTimeout as sleep } from 'node:timers/promises'
import { accountFor } from './account-for.ts'
import type { DeviceReport } from './device-report.ts'
import type { SimulatedFleet } from './start-fleet.ts'

/**
 * The account as soon as nothing is missing, or when it is clear that something is: a broker acknowledges a message before it hands it on, so what has just been acknowledged may still be under way to the service.
 */
export async function settledAccount(
  fleet: Pick<SimulatedFleet, 'backend' | 'cutOff'>,
  reports: readonly DeviceReport[],
  patienceSeconds = 20,
): Promise<ReturnType<typeof accountFor>> {
  const deadline = performance.now() + patienceSeconds * 1000
  for (;;) {
    const account = accountFor(reports, (await fleet.backend()).receipts, fleet.cutOff)
    if (account.lost === 0 || performance.now() > deadline) return account
    await sleep(100)
  }
}
