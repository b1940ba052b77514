import { type DeviceCredential, type Fleet, parseCertificate, type RenewalScheduleRequest } from '@fleetcert/core'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { renewalWindow } from '../../../src/fleet/renewal/renewal-window.ts'
import { day, deviceKey, type TimedFleet, timedFleet } from '../device-side.ts'

let timed: TimedFleet
let fleet: Fleet
let device: DeviceCredential
beforeEach(async () => {
  timed = await timedFleet({ profiles: { 'sensor-7d': { validitySeconds: 7 * day } } })
  fleet = timed.fleet
  device = await fleet.enroll('sensor-1', { csr: (await deviceKey()).csr, owner: 'alice' })
  timed.later(1)
  return () => fleet.close()
})
const inSeconds = (seconds: number): Date => new Date(timed.now().getTime() + seconds * 1000)
const windowOf = async (credential: DeviceCredential) => fleet.renewalInfo({ fingerprint: credential.fingerprint })
const issued = (): number => timed.now().getTime() - 1000

describe('renewalInfo', () => {
  it('is around two thirds of the lifetime, from the moment of issuing on', async () => {
    const { window, ...rest } = await windowOf(device)
    const lifetime = device.notAfter.getTime() - issued()
    expect(window.start.getTime()).toBe(issued() + Math.floor((lifetime * 15) / 24))
    expect(window.end.getTime()).toBe(issued() + Math.floor((lifetime * 17) / 24))
    expect(rest).toEqual({})
  })

  it('fits a certificate of a minute, whose notBefore lies long before', async () => {
    const short = await fleet.enroll('sensor-2', { csr: (await deviceKey()).csr, validitySeconds: 60 })
    const { window } = await windowOf(short)
    expect(window.start > inSeconds(30)).toBe(true)
    expect(window.end < short.notAfter).toBe(true)
  })

  it('of a pinned certificate goes by its own dates', async () => {
    const elsewhere = await timedFleet()
    const foreign = await elsewhere.fleet.enroll('any', { csr: (await deviceKey()).csr })
    await elsewhere.fleet.close()
    timed.later(200 * day)
    const { fingerprint } = await fleet.register('sensor-3', foreign.certificate)
    const { window } = await fleet.renewalInfo({ fingerprint })
    const { notBefore, notAfter } = parseCertificate(foreign.certificate)
    const lifetime = notAfter.getTime() - notBefore.getTime()
    expect(window.start.getTime()).toBe(notBefore.getTime() + Math.floor((lifetime * 15) / 24))
  })

  it('is there for what has expired, and not for what is unknown, revoked, held, superseded or no device’s', async () => {
    const server = await fleet.issueServer({ hosts: ['broker.example'] })
    for (const fingerprint of [server.fingerprint, 'AA'.repeat(32)]) {
      await expect(fleet.renewalInfo({ fingerprint })).rejects.toMatchObject({ code: 'ERR_PKI_CERTIFICATE_UNKNOWN' })
    }
    await expect(fleet.renewalInfo({ fingerprint: '' })).rejects.toMatchObject({ code: 'ERR_PKI_FINGERPRINT' })
    const next = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, overlapSeconds: 0 })
    const notActive = (status: string) => ({ code: 'ERR_PKI_DEVICE_NOT_ACTIVE', details: { status } })
    await expect(windowOf(device)).rejects.toMatchObject(notActive('superseded'))
    timed.later(366 * day)
    expect((await windowOf(next)).window.end < timed.now()).toBe(true)
    await fleet.revoke('sensor-1', { reason: 'certificateHold' })
    await expect(windowOf(next)).rejects.toMatchObject(notActive('held'))
    await fleet.revoke('sensor-1')
    await expect(windowOf(next)).rejects.toMatchObject(notActive('revoked'))
  })
})

describe('scheduleRenewals', () => {
  it('hurries a fleet over the given time, with a reason; what is renewed is not asked again', async () => {
    const request = { from: timed.now(), to: inSeconds(6 * 3600), reason: 'new issuing CA' }
    const schedule = await fleet.scheduleRenewals(request)
    expect(await windowOf(device)).toEqual({
      window: { start: request.from, end: request.to },
      reason: 'new issuing CA',
    })
    timed.later(60)
    const next = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented: device.fingerprint })
    const { window, reason } = await windowOf(next)
    expect(window.start > inSeconds(100 * day)).toBe(true)
    expect(reason).toBeUndefined()
    // Who was away meanwhile hears that it is late.
    timed.later(day)
    expect((await windowOf(device)).window.end < timed.now()).toBe(true)
    expect(await fleet.withdrawRenewals(schedule.id)).toBe(true)
    expect(await fleet.withdrawRenewals(schedule.id)).toBe(false)
    expect((await windowOf(device)).reason).toBeUndefined()
  })

  it('spreads: later than usual, but never so that a certificate runs out', async () => {
    await fleet.scheduleRenewals({ from: inSeconds(280 * day), to: inSeconds(300 * day) })
    expect((await windowOf(device)).window).toEqual({ start: inSeconds(280 * day), end: inSeconds(300 * day) })
    const short = await fleet.enroll('sensor-2', { csr: (await deviceKey()).csr, profile: 'sensor-7d' })
    timed.later(1)
    await fleet.scheduleRenewals({ from: inSeconds(280 * day), to: inSeconds(300 * day) })
    const { window } = await windowOf(short)
    expect(window.start < window.end).toBe(true)
    expect(short.notAfter.getTime() - window.end.getTime()).toBeGreaterThan(0.5 * day * 1000)
  })

  it.each([
    ['owner', { owner: 'alice' }, { owner: 'bob' }],
    ['profile', { profile: 'device' }, { profile: 'sensor-7d' }],
    ['deviceIds', { deviceIds: ['x', 'sensor-1'] }, { deviceIds: ['sensor-2'] }],
  ] as const)('chooses by %s', async (_name, hit, miss) => {
    const times = { from: timed.now(), to: inSeconds(3600) }
    await fleet.scheduleRenewals({ ...times, ...miss })
    expect((await windowOf(device)).window.start > inSeconds(day)).toBe(true)
    await fleet.scheduleRenewals({ ...times, ...hit })
    expect((await windowOf(device)).window.end).toEqual(times.to)
  })

  it('chooses by issuer and date of issuing; filters add up', async () => {
    const times = { from: timed.now(), to: inSeconds(3600) }
    const { issuerKeyId } = device
    const misses: Partial<RenewalScheduleRequest>[] = [
      { issuerKeyId: 'ab'.repeat(32) },
      { issuedBefore: inSeconds(-1) },
      { issuerKeyId, owner: 'bob' },
    ]
    for (const miss of misses) await fleet.scheduleRenewals({ ...times, ...miss })
    expect((await windowOf(device)).window.start > inSeconds(day)).toBe(true)
    await fleet.scheduleRenewals({ ...times, issuerKeyId, owner: 'alice', issuedBefore: timed.now() })
    expect((await windowOf(device)).window.end).toEqual(times.to)
  })

  it('counts the last one of several, is durable, listed, and in the ledger', async () => {
    const one = await fleet.scheduleRenewals({ from: timed.now(), to: inSeconds(100), owner: 'alice', reason: 'one' })
    const two = await fleet.scheduleRenewals({ from: timed.now(), to: inSeconds(200), deviceIds: ['sensor-1'] })
    expect((await windowOf(device)).window.end).toEqual(two.to)
    const other = await timed.another()
    const listed = await other.renewalSchedules()
    expect(listed).toEqual([one, two])
    listed[0]!.to.setTime(0)
    expect(await other.renewalSchedules()).toEqual([one, two])
    expect((await other.renewalInfo({ fingerprint: device.fingerprint })).window.end).toEqual(two.to)
    expect(await other.withdrawRenewals(two.id)).toBe(true)
    expect(await windowOf(device)).toEqual({ window: { start: one.from, end: one.to }, reason: 'one' })
    await other.close()
    const events = (await timed.history()).filter(({ type }) => type.startsWith('renewals'))
    expect(events.map(({ type, details }) => [type, details?.['schedule']])).toEqual([
      ['renewalsScheduled', one.id],
      ['renewalsScheduled', two.id],
      ['renewalsWithdrawn', two.id],
    ])
    expect(events[1]?.details).toMatchObject({ devices: 1, to: two.to.toISOString() })
  })

  it('keeps 64, and says so', async () => {
    const times = { from: timed.now(), to: inSeconds(100) }
    const made = await Promise.all(Array.from({ length: 5 }, () => fleet.scheduleRenewals(times)))
    for (let count = 5; count < 64; count += 1) await fleet.scheduleRenewals(times)
    await expect(fleet.scheduleRenewals(times)).rejects.toMatchObject({
      code: 'ERR_PKI_RENEWAL_SCHEDULES',
      details: { limit: 64 },
    })
    await fleet.withdrawRenewals(made[0]!.id)
    await fleet.scheduleRenewals(times)
    expect(await fleet.renewalSchedules()).toHaveLength(64)
  })

  it('is not made twice when the answer of the store is lost', async () => {
    let lost = true
    const flaky = await timed.another({
      store: {
        ...timed.store,
        async putDocument(...args) {
          const done = await timed.store.putDocument(...args)
          if (!lost || args[0] !== 'renewals') return done
          lost = false
          return false
        },
      },
    })
    const { id } = await flaky.scheduleRenewals({ from: timed.now(), to: inSeconds(100) })
    expect((await fleet.renewalSchedules()).map(schedule => schedule.id)).toEqual([id])
    await flaky.close()
  })

  it('refuses what makes no sense', async () => {
    const from = timed.now()
    const to = inSeconds(100)
    const impossible: Partial<RenewalScheduleRequest>[] = [
      { to: from },
      { from: inSeconds(-20), to: inSeconds(-10) },
      { to: inSeconds(367 * day) },
      { issuedBefore: inSeconds(1) },
    ]
    for (const change of impossible) {
      await expect(fleet.scheduleRenewals({ from, to, ...change })).rejects.toMatchObject({ code: 'ERR_PKI_VALIDITY' })
    }
    await expect(fleet.scheduleRenewals({ from, to, owner: '+' })).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
    await expect(fleet.scheduleRenewals({ from, to, deviceIds: ['a/b'] })).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_ID',
    })
    const wrong = [
      { from: 'now' },
      { to: new Date(Number.NaN) },
      { issuerKeyId: 'AB' },
      { reason: '' },
      { reason: 'a\nb' },
      { reason: 'x'.repeat(201) },
      { profile: 7 },
    ] as unknown as Partial<RenewalScheduleRequest>[]
    for (const change of wrong) await expect(fleet.scheduleRenewals({ from, to, ...change })).rejects.toThrow(TypeError)
    for (const deviceIds of [[], Array.from({ length: 1001 }, (_, index) => `d${index}`)]) {
      await expect(fleet.scheduleRenewals({ from, to, deviceIds })).rejects.toThrow(RangeError)
    }
    expect(await fleet.renewalSchedules()).toEqual([])
  })

  it('fails closed on a document that it did not write', async () => {
    await timed.store.putDocument('renewals', Buffer.from('{"format":1,"schedules":7}'), 0, [])
    await expect(windowOf(device)).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
    await timed.store.putDocument('renewals', Buffer.from('{"format":2}'), 1, [])
    await expect(windowOf(device)).rejects.toMatchObject({ code: 'ERR_PKI_STORE_SCHEMA' })
    await timed.store.putDocument('renewals', Buffer.from('{'), 2, [])
    await expect(fleet.renewalSchedules()).rejects.toMatchObject({ code: 'ERR_PKI_STORE_CORRUPT' })
  })
})

it('no window ends after notAfter, or before it starts, whatever is scheduled', async () => {
  const { certificate } = (await fleet.identify({ fingerprint: device.fingerprint })) as never as {
    certificate: Parameters<typeof renewalWindow>[0]
  }
  const time = fc.date({ min: new Date('2020-01-01'), max: new Date('2060-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(time, time, time, fc.option(fc.tuple(time, time), { nil: undefined }), (a, b, created, scheduled) => {
      const [notBefore, notAfter] = a <= b ? [a, b] : [b, a]
      const record = { ...certificate, notBefore, notAfter, createdAt: created }
      const [from, to] =
        scheduled === undefined ? [] : scheduled[0] <= scheduled[1] ? scheduled : scheduled.toReversed()
      const schedule =
        from === undefined || to === undefined
          ? undefined
          : { id: 'id', from, to, createdAt: created, issuedBefore: created }
      const { start, end } = renewalWindow(record, schedule)
      expect(start <= end).toBe(true)
      if (created <= notAfter) expect(end <= notAfter).toBe(true)
    }),
  )
})
