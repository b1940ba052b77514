import { expect, test } from 'vitest'
import { describeWith } from '../../../../test-support/tools.ts'
import { settledAccount } from '../../src/fleet/settled-account.ts'
import type { FleetOptions } from '../../src/fleet/start-fleet.ts'
import { count, isLong, openFleet } from '../support/fleet-size.ts'

async function renewWhilePublishing(
  options: Pick<FleetOptions, 'broker'> & { readonly device: Partial<FleetOptions['device']> },
): Promise<void> {
  await using fleet = await openFleet(options)
  await fleet.switchOn()
  await fleet.hurryRenewals({ withinSeconds: isLong ? 60 : 3 })
  await expect
    .poll(async () => (await fleet.stats()).renewed, { timeout: 400_000, interval: 500 })
    .toBeGreaterThanOrEqual(count)
  await fleet.drain()

  const devices = await fleet.devices()
  const account = await settledAccount(fleet, devices)
  console.info(`${count} renewals: ${JSON.stringify(account)}`)
  expect(account.published).toBeGreaterThan(count)
  expect(account).toMatchObject({ lost: 0, doubled: 0, arrived: account.published })
  // Nobody stranded, and nobody left out: each has its new certificate and has shown it to the broker.
  expect(devices.filter(({ isConnected, renewals }) => !isConnected || renewals !== 1)).toEqual([])
  expect(await fleet.certificates()).toEqual({
    devices: count,
    issued: 2 * count,
    good: count,
    renewed: count,
    withSeveralGood: [],
    withoutGood: [],
  })
}

const timeout = 600_000

test('a fleet renews while it publishes: nothing lost, nothing doubled, nobody stranded', { timeout }, async () => {
  await renewWhilePublishing({ broker: 'aedes', device: {} })
})

describeWith(['mosquitto'], 'at mosquitto', () => {
  test('over MQTT alone, version 5', { timeout }, async () => {
    await renewWhilePublishing({ broker: 'mosquitto', device: { renewOver: 'mqtt', protocolVersion: 5 } })
  })
})
