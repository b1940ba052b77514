import { expect, test } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { settledAccount } from '../../src/fleet/settled-account.ts'
import { spreadOf } from '../../src/fleet/spread.ts'
import type { FleetOptions } from '../../src/fleet/start-fleet.ts'
import { count, isLong, openFleet } from '../support/fleet-size.ts'

/** Enough of them that chance does not decide. */
const size = isLong ? count : 120
/** What a fleet has by default takes minutes; a few devices show the same in a tenth of the time. */
const reconnect = { minSeconds: 0.2, spreadSeconds: 9, maxSeconds: 12 }
const defaultSpreadSeconds = 90
const windowSeconds = 60

async function restart(options: Pick<FleetOptions, 'broker'>): Promise<void> {
  await using fleet = await openFleet({
    ...options,
    count: size,
    // Nobody asks when to renew meanwhile: on a machine that is busy with that, timers fire late and many at once.
    renewalInfoSeconds: 86_400,
    device: { pollSeconds: 86_400, ...(isLong ? {} : { telemetrySeconds: 4, reconnect }) },
  })
  await fleet.switchOn()
  const { backAt } = await fleet.restartBroker({ downSeconds: isLong ? 5 : 0.5, hangSeconds: 2 })
  await expect.poll(async () => (await fleet.stats()).connected, { timeout: 500_000, interval: 500 }).toBe(size)

  // What the broker sees depends on the machine as well, so it is judged only where there are many devices and much time.
  if (isLong) {
    await new Promise(resolve => setTimeout(resolve, Math.max(0, backAt + windowSeconds * 1000 - Date.now())))
    const spread = spreadOf((await fleet.backend()).sessions, backAt, windowSeconds)
    console.info(`storm of ${size}: ${JSON.stringify(spread)}`)
    expect(spread.sessions).toBeGreaterThan(size / 2)
    expect(spread.peakSecond).toBeLessThanOrEqual(3 * spread.meanSecond)
  }
  await fleet.drain()

  const devices = await fleet.devices()
  expect(devices.filter(({ isConnected }) => !isConnected)).toEqual([])
  // The moments that they chose are spread over the whole time that they may wait: no sixth of it has three times its share.
  const spreadSeconds = isLong ? defaultSpreadSeconds : reconnect.spreadSeconds
  const sixths = [0, 0, 0, 0, 0, 0]
  for (const { firstDelaySeconds = 0 } of devices) {
    const sixth = Math.min(5, Math.floor((firstDelaySeconds / spreadSeconds) * 6))
    sixths[sixth] = sixths[sixth]! + 1
  }
  expect(Math.max(...sixths)).toBeLessThanOrEqual((3 * size) / 6)

  // With aedes, which hung, a good many messages were in flight.
  const sentAgain = devices.reduce((sum, { sent, published }) => sum + sent - published, 0)
  if (options.broker === 'aedes') expect(sentAgain).toBeGreaterThan(size / 20)
  const account = await settledAccount(fleet, devices)
  expect(account).toMatchObject({ lost: 0, doubled: 0, arrived: account.published })
  expect(devices.reduce((sum, { sentAgainUnmarked }) => sum + sentAgainUnmarked, 0)).toBe(0)
}

const timeout = 900_000

test('a broker that restarts is not stormed by its fleet, and nothing is lost', { timeout }, async () => {
  await restart({ broker: 'aedes' })
})

describeWith(['mosquitto'], 'mosquitto', () => {
  test('is not stormed either', { timeout }, async () => {
    await restart({ broker: 'mosquitto' })
  })
})
