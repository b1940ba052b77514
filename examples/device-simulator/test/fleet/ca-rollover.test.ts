import { expect, test } from 'vitest'
import type { DeviceReport } from '../../src/fleet/device-report.ts'
import { settledAccount } from '../../src/fleet/settled-account.ts'
import { count, isLong, openFleet } from '../support/fleet-size.ts'

const timeout = 900_000

test('a new CA, announced and then used, costs no device more than one reconnect', { timeout }, async () => {
  await using fleet = await openFleet({
    // The broker's restart is not what this is about.
    ...(isLong ? {} : { device: { reconnect: { minSeconds: 0.1, spreadSeconds: 2, maxSeconds: 4 } } }),
  })
  const all = async (has: (device: DeviceReport) => boolean): Promise<void> => {
    const left = async (): Promise<number> => (await fleet.devices()).filter(device => !has(device)).length
    await expect.poll(left, { timeout: 400_000, interval: 500 }).toBe(0)
  }
  await fleet.switchOn()

  await fleet.announceCa()
  await all(({ trustUpdates }) => trustUpdates === 1)
  // Told while connected: nobody has to come back for it.
  expect((await fleet.devices()).filter(({ disconnects, failedAttempts }) => disconnects + failedAttempts > 0)).toEqual(
    [],
  )

  // Now the broker, the hub and every renewal are the new CA's. The old one is gone from the broker's own chain.
  await fleet.useAnnouncedCa()
  // A device may not have noticed yet that the old server is gone.
  await all(({ isConnected, disconnects }) => isConnected && disconnects > 0)
  const back = await fleet.devices()
  // One session lost, with the old server; the next attempt at the new one is the one that works.
  expect(back.filter(({ disconnects }) => disconnects !== 1)).toEqual([])
  expect(back.filter(({ untrusting }) => untrusting > 0)).toEqual([])

  await fleet.hurryRenewals({ withinSeconds: isLong ? 60 : 3 })
  await all(({ renewals, isConnected }) => renewals === 1 && isConnected)
  await fleet.drain()
  const devices = await fleet.devices()
  // The swap to the new certificate is the second reconnect.
  expect(devices.filter(({ disconnects, untrusting }) => disconnects > 2 || untrusting > 0)).toEqual([])
  expect(await fleet.certificates()).toMatchObject({ devices: count, issued: count, good: count, withoutGood: [] })
  const account = await settledAccount(fleet, devices)
  expect(account).toMatchObject({ lost: 0, doubled: 0, arrived: account.published })
})
