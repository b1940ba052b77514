import type { DeviceCredential, Fleet } from '@fleetcert/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { day, deviceKey, type TimedFleet, timedFleet } from '../device-side.ts'

let timed: TimedFleet
let fleet: Fleet
let old: DeviceCredential
let renewed: DeviceCredential
beforeEach(async () => {
  timed = await timedFleet()
  fleet = timed.fleet
  old = await fleet.enroll('sensor-1', { csr: (await deviceKey()).csr })
  renewed = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented: old.fingerprint })
  return () => fleet.close()
})
const statusOf = async ({ fingerprint }: { fingerprint: string }): Promise<string> =>
  (await fleet.identify({ fingerprint })).status

describe('confirm', () => {
  it('ends the old certificate after a short overlap, tells the ledger, and does nothing more when asked again', async () => {
    const { fingerprint } = renewed
    expect(await fleet.confirm('sensor-1', { fingerprint })).toEqual({ superseded: 1 })
    expect(await statusOf(old)).toBe('active')
    timed.later(60)
    expect(await statusOf(old)).toBe('superseded')
    expect(await statusOf(renewed)).toBe('active')
    expect(await fleet.confirm('sensor-1', { fingerprint })).toEqual({ superseded: 0 })
    const events = (await timed.history()).filter(({ type }) => type === 'superseded')
    expect(events).toMatchObject([
      {
        deviceId: 'sensor-1',
        certificate: { serialNumber: old.serialNumber },
        fingerprint: old.fingerprint,
        details: {
          confirmed: fingerprint,
          supersededAt: new Date(timed.now().getTime()).toISOString(),
        },
      },
    ])
  })

  it('ends what is kept in memory: here at once, in other processes as soon as they hear of it', async () => {
    const other = await timed.another()
    for (const process of [fleet, other]) {
      expect((await process.identify({ fingerprint: old.fingerprint })).status).toBe('active')
    }
    await other.confirm('sensor-1', { fingerprint: renewed.fingerprint, overlapSeconds: 0 })
    expect((await other.identify({ fingerprint: old.fingerprint })).status).toBe('superseded')
    await vi.waitFor(async () => expect(await statusOf(old)).toBe('superseded'), { timeout: 10_000 })
    await other.close()
  })

  it('does not lengthen what the operator had cut short', async () => {
    const last = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, overlapSeconds: 10 })
    await fleet.confirm('sensor-1', { fingerprint: last.fingerprint, overlapSeconds: 3600 })
    timed.later(10)
    expect(await statusOf(renewed)).toBe('superseded')
    expect(await statusOf(old)).toBe('active')
    timed.later(3590)
    expect(await statusOf(old)).toBe('superseded')
  })

  it('refuses what is unknown, another device’s, or not active: nothing ends', async () => {
    const other = await fleet.enroll('sensor-2', { csr: (await deviceKey()).csr })
    for (const [deviceId, fingerprint, code] of [
      ['sensor-1', other.fingerprint, 'ERR_PKI_CERTIFICATE_UNKNOWN'],
      ['sensor-2', renewed.fingerprint, 'ERR_PKI_CERTIFICATE_UNKNOWN'],
      ['sensor-1', 'AA'.repeat(32), 'ERR_PKI_CERTIFICATE_UNKNOWN'],
      ['sensor-1', 'zz', 'ERR_PKI_FINGERPRINT'],
      ['../x', renewed.fingerprint, 'ERR_PKI_DEVICE_ID'],
    ] as const) {
      await expect(fleet.confirm(deviceId, { fingerprint })).rejects.toMatchObject({ code })
    }
    await expect(
      fleet.confirm('sensor-1', { fingerprint: renewed.fingerprint, overlapSeconds: -1 }),
    ).rejects.toMatchObject({ code: 'ERR_PKI_VALIDITY' })
    await fleet.revoke({ fingerprint: renewed.fingerprint }, { reason: 'certificateHold' })
    await expect(fleet.confirm('sensor-1', { fingerprint: renewed.fingerprint })).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { deviceId: 'sensor-1', status: 'held' },
    })
    timed.later(day)
    expect(await statusOf(old)).toBe('active')
  })

  it('of an earlier one ends what came before that alone', async () => {
    const last = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented: old.fingerprint })
    expect(await fleet.confirm('sensor-1', { fingerprint: renewed.fingerprint, overlapSeconds: 0 })).toEqual({
      superseded: 1,
    })
    for (const [credential, status] of [
      [old, 'superseded'],
      [renewed, 'active'],
      [last, 'active'],
    ] as const) {
      expect(await statusOf(credential)).toBe(status)
    }
    // The device goes on with the one that it has.
    const next = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented: renewed.fingerprint })
    expect(await fleet.confirm('sensor-1', { fingerprint: next.fingerprint, overlapSeconds: 0 })).toEqual({
      superseded: 2,
    })
  })

  it('of the old one ends nothing', async () => {
    expect(await fleet.confirm('sensor-1', { fingerprint: old.fingerprint })).toEqual({ superseded: 0 })
    expect(await statusOf(renewed)).toBe('active')
  })

  it('keeps the old one when the new one is revoked at the same time', async () => {
    const { fingerprint } = renewed
    const meanwhile = await timed.another({
      store: {
        ...timed.store,
        async supersede(...args) {
          await fleet.revoke({ fingerprint })
          return timed.store.supersede(...args)
        },
      },
    })
    expect(await meanwhile.confirm('sensor-1', { fingerprint })).toEqual({ superseded: 0 })
    expect(await statusOf(old)).toBe('active')
    await meanwhile.close()
  })
})
