import { expect, test } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { accountFor } from '../../src/fleet/account-for.ts'
import { spreadOf } from '../../src/fleet/spread.ts'
import type { FleetOptions } from '../../src/fleet/start-fleet.ts'
import { count, isLong, openFleet } from '../support/fleet-size.ts'

/** What a fleet has by default takes minutes; a few devices show the same in a tenth of the time. */
const scale = isLong ? 1 : 0.1
const windowSeconds = 60 * scale

async function restart(options: Pick<FleetOptions, 'broker'>): Promise<void> {
  // Enough of them that their chance does not decide.
  const size = isLong ? count : 160
  await using fleet = await openFleet({
    ...options,
    count: size,
    // The defaults, or a tenth of them.
    device: isLong ? {} : { telemetrySeconds: 4, reconnect: { minSeconds: 0.2, spreadSeconds: 9, maxSeconds: 12 } },
  })
  await fleet.switchOn()
  const { backAt } = await fleet.restartBroker({ downSeconds: 5 * scale })
  await expect.poll(async () => (await fleet.stats()).connected, { timeout: 400_000, interval: 500 }).toBe(size)
  await new Promise(resolve => setTimeout(resolve, Math.max(0, backAt + windowSeconds * 1000 - Date.now())))
  await fleet.drain()

  const { sessions, receipts } = await fleet.backend()
  const spread = spreadOf(sessions, backAt, windowSeconds)
  console.info(`storm of ${size}: ${JSON.stringify(spread)}`)
  expect(spread.sessions).toBeGreaterThan(size / 4)
  expect(spread.peakSecond).toBeLessThanOrEqual(3 * spread.meanSecond)

  const devices = await fleet.devices()
  expect(devices.filter(({ isConnected }) => !isConnected)).toEqual([])
  const account = accountFor(devices, receipts)
  expect(account).toMatchObject({ lost: 0, doubled: 0, arrived: account.published })
  expect(devices.reduce((sum, { sentAgainUnmarked }) => sum + sentAgainUnmarked, 0)).toBe(0)
}

const timeout = 600_000

test('a broker that restarts is not stormed by its fleet, and nothing is lost', { timeout }, async () => {
  await restart({ broker: 'aedes' })
})

describeWith(['mosquitto'], 'mosquitto', () => {
  test('is not stormed either', { timeout }, async () => {
    await restart({ broker: 'mosquitto' })
  })
})
