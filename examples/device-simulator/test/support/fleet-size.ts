import { afterAll } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { type FleetOptions, type SimulatedFleet, startFleet } from '../../src/fleet/start-fleet.ts'

/** `pnpm test:long` has a thousand devices and the defaults of a real fleet; `pnpm test` a few that are in a hurry. */
export const isLong: boolean = process.env['FLEETCERT_LONG'] === '1'
export const count: number = isLong ? 1000 : 24

const fleets = new Set<SimulatedFleet>()
const folders: ReturnType<typeof temporaryDirectory>[] = []
afterAll(async () => {
  // Also after a test that timed out, whose `await using` never ends.
  await Promise.all([...fleets].map(fleet => fleet.close()))
  for (const folder of folders) folder.remove()
}, 60_000)

type Options = Partial<Omit<FleetOptions, 'device'>> & { readonly device?: Partial<FleetOptions['device']> }

/** A fleet that publishes once a second and asks once a second when to renew; a thousand publish every ten seconds and ask once a minute. */
export async function openFleet({ device, ...options }: Options = {}): Promise<SimulatedFleet> {
  const folder = temporaryDirectory()
  folders.push(folder)
  const askSeconds = isLong ? 60 : 1
  const fleet = await startFleet({
    count,
    racks: 1,
    directory: folder.directory,
    broker: 'aedes',
    renewalInfoSeconds: askSeconds,
    ...options,
    device: {
      telemetrySeconds: isLong ? 10 : 1,
      protocolVersion: 4,
      renewOver: 'https',
      pollSeconds: askSeconds,
      clockSkewSeconds: isLong ? 60 : 3,
      ...device,
    },
  })
  fleets.add(fleet)
  return fleet
}
