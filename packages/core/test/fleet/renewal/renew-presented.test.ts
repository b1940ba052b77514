import { type DeviceCredential, type Fleet, parseCertificate, type Store } from '@fleetcert/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { day, deviceKey, type TimedFleet, timedFleet } from '../device-side.ts'

let timed: TimedFleet
let fleet: Fleet
let first: DeviceCredential
beforeEach(async () => {
  timed = await timedFleet({ profiles: { 'sensor-7d': { validitySeconds: 7 * day }, short: { validitySeconds: 600 } } })
  fleet = timed.fleet
  first = await fleet.enroll('sensor-1', {
    csr: (await deviceKey()).csr,
    owner: 'alice',
    attributes: { site: 'north' },
  })
  return () => fleet.close()
})

const statusOf = async ({ fingerprint }: { fingerprint: string }): Promise<string> =>
  (await fleet.identify({ fingerprint })).status
const renew = async (presented: DeviceCredential, key?: { csr: Uint8Array }, graceSeconds?: number) =>
  fleet.renew('sensor-1', {
    csr: (key ?? (await deviceKey())).csr,
    presented: presented.fingerprint,
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
  })
const renewals = async (): Promise<number> => (await timed.history()).filter(({ type }) => type === 'renewed').length

describe('renew with the certificate that the device presents', () => {
  it('keeps owner, role, attributes, profile and names, and takes nothing but the key from the CSR', async () => {
    const named = { type: 'dns', value: 'gateway.example' } as const
    const gateway = await fleet.enroll('gateway', {
      csr: (await deviceKey()).csr,
      role: 'service',
      owner: 'bob',
      attributes: { line: '7' },
      subjectAltName: [named],
    })
    const { csr } = await deviceKey()
    const renewed = await fleet.renew('gateway', { csr, presented: gateway.fingerprint })
    expect(await fleet.identify({ fingerprint: renewed.fingerprint })).toMatchObject({
      status: 'active',
      device: { deviceId: 'gateway', role: 'service', owner: 'bob', attributes: { line: '7' } },
    })
    const certificate = parseCertificate(renewed.certificate)
    expect(certificate.subjectDer).toEqual(parseCertificate(gateway.certificate).subjectDer)
    expect(certificate.subjectAltName).toEqual([{ type: 'uri', value: 'urn:fleetcert:device:gateway' }, named])
  })

  it('leaves the old one good to its own end, unless the new one is confirmed', async () => {
    const renewed = await renew(first)
    timed.later(364 * day)
    expect(await statusOf(first)).toBe('active')
    expect(await statusOf(renewed)).toBe('active')
    timed.later(day)
    expect(await statusOf(first)).toBe('expired')
  })

  it('answers a lost reply again: the same certificate for the same key, and nothing new', async () => {
    const key = await deviceKey()
    const renewed = await renew(first, key)
    timed.later(100 * day)
    expect(await renew(first, key)).toEqual(renewed)
    const other = await timed.another()
    const request = { csr: key.csr, presented: first.fingerprint }
    expect(await other.renew('sensor-1', request)).toEqual(renewed)
    await other.close()
    expect(await renewals()).toBe(1)
  })

  it('makes another one for another key, the old one staying good: a chain of lost answers', async () => {
    const lost = await renew(first)
    const second = await renew(first)
    const third = await renew(first)
    for (const credential of [first, lost, second, third]) expect(await statusOf(credential)).toBe('active')
    expect(await fleet.confirm('sensor-1', { fingerprint: third.fingerprint, overlapSeconds: 0 })).toEqual({
      superseded: 3,
    })
    for (const credential of [first, lost, second]) expect(await statusOf(credential)).toBe('superseded')
    expect(await statusOf(third)).toBe('active')
  })

  it('renews with the key of the certificate itself, as EST clients do', async () => {
    const key = await deviceKey()
    const one = await fleet.enroll('sensor-2', { csr: key.csr })
    const ask = (presented: DeviceCredential) =>
      fleet.renew('sensor-2', { csr: key.csr, presented: presented.fingerprint })
    const two = await ask(one)
    expect(two.fingerprint).not.toBe(one.fingerprint)
    // Its answer was lost.
    expect((await ask(one)).fingerprint).toBe(two.fingerprint)
    const three = await ask(two)
    expect(three.fingerprint).not.toBe(two.fingerprint)
  })

  it('takes a renewal with the new certificate for its confirmation', async () => {
    const renewed = await renew(first)
    const next = await renew(renewed)
    expect(await statusOf(first)).toBe('active')
    timed.later(60)
    expect(await statusOf(first)).toBe('superseded')
    for (const credential of [renewed, next]) expect(await statusOf(credential)).toBe('active')
  })

  it('takes it so also where the device has more beside them than is looked through', async () => {
    const renewed = await renew(first)
    const elsewhere = await timedFleet()
    for (let count = 0; count < 7; count += 1) {
      const foreign = await elsewhere.fleet.enroll(`any-${count}`, { csr: (await deviceKey()).csr })
      await fleet.register('sensor-1', foreign.certificate)
    }
    await elsewhere.fleet.close()
    timed.later(day)
    await renew(renewed)
    timed.later(60)
    expect(await statusOf(first)).toBe('superseded')
    expect(await statusOf(renewed)).toBe('active')
  })

  it('refuses what is unknown, another device’s, or no fingerprint', async () => {
    const other = await fleet.enroll('sensor-2', { csr: (await deviceKey()).csr })
    const server = await fleet.issueServer({ hosts: ['broker.example'] })
    for (const presented of [other.fingerprint, server.fingerprint, 'AA'.repeat(32)]) {
      await expect(fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented })).rejects.toMatchObject({
        code: 'ERR_PKI_CERTIFICATE_UNKNOWN',
      })
    }
    await expect(fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented: 'AA' })).rejects.toMatchObject({
      code: 'ERR_PKI_FINGERPRINT',
    })
    expect(await renewals()).toBe(0)
  })

  it('refuses what is revoked, held, superseded or not valid yet, whatever the grace', async () => {
    const notActive = (status: string) => ({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { deviceId: 'sensor-1', status },
    })
    await fleet.revoke({ fingerprint: first.fingerprint }, { reason: 'certificateHold' })
    await expect(renew(first, undefined, 1000 * day)).rejects.toMatchObject(notActive('held'))
    await fleet.release('sensor-1')
    const renewed = await renew(first)
    await fleet.confirm('sensor-1', { fingerprint: renewed.fingerprint, overlapSeconds: 0 })
    await expect(renew(first, undefined, 1000 * day)).rejects.toMatchObject(notActive('superseded'))
    timed.later(400 * day)
    await expect(renew(first, undefined, 1000 * day)).rejects.toMatchObject(notActive('superseded'))
    await fleet.revoke('sensor-1')
    await expect(renew(first, undefined, 1000 * day)).rejects.toMatchObject(notActive('revoked'))
    await expect(renew(renewed, undefined, 1000 * day)).rejects.toMatchObject(notActive('revoked'))
  })

  it('refuses everything once the operator has revoked the device, also what is under way', async () => {
    const renewed = await renew(first)
    let revoke: (() => Promise<unknown>) | undefined = () => fleet.revoke('sensor-1')
    const meanwhile = await timed.another({
      store: beforeCommit(timed.store, async () => {
        await revoke?.()
        revoke = undefined
      }),
    })
    const request = async () => ({ csr: (await deviceKey()).csr, presented: first.fingerprint })
    await expect(meanwhile.renew('sensor-1', await request())).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_CLOSED' })
    await expect(meanwhile.renew('sensor-1', await request())).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
    })
    await meanwhile.close()
    for (const credential of [first, renewed]) expect(await statusOf(credential)).toBe('revoked')
  })

  it('renews the old one again when the new one was revoked alone; held, nothing is renewed', async () => {
    const lost = await renew(first)
    await fleet.revoke({ fingerprint: lost.fingerprint }, { reason: 'certificateHold' })
    await expect(renew(first)).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { status: 'held' },
    })
    await fleet.revoke({ fingerprint: lost.fingerprint })
    const again = await renew(first)
    expect(await statusOf(first)).toBe('active')
    expect(await statusOf(again)).toBe('active')
    await fleet.revoke({ fingerprint: again.fingerprint })
    const byOperator = await fleet.renew('sensor-1', { overlapSeconds: 5 })
    expect(await statusOf(byOperator)).toBe('active')
    timed.later(5)
    expect(await statusOf(first)).toBe('superseded')
  })

  it('refuses a blocked key', async () => {
    const key = await deviceKey()
    await fleet.enroll('sensor-2', { csr: key.csr })
    await fleet.revoke('sensor-2', { reason: 'keyCompromise' })
    await expect(renew(first, key)).rejects.toMatchObject({ code: 'ERR_PKI_KEY_BLOCKED' })
    expect(await statusOf(first)).toBe('active')
  })

  it('lets one of several at once win; the same key has the same answer, another hears that it is busy', async () => {
    const keys = await Promise.all([deviceKey(), deviceKey()])
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => renew(first, keys[index % 2]!)))
    const won = results.flatMap(result => (result.status === 'fulfilled' ? [result.value.fingerprint] : []))
    expect(new Set(won).size).toBe(1)
    for (const result of results) {
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({
          code: 'ERR_PKI_RENEWAL_BUSY',
          details: { deviceId: 'sensor-1', retryAfterSeconds: 5 },
        })
      }
    }
    expect(await renewals()).toBe(1)
  })

  it('wants a CSR, and no overlap; grace only with it', async () => {
    const { csr } = await deviceKey()
    const { fingerprint } = first
    await expect(fleet.renew('sensor-1', { presented: fingerprint })).rejects.toThrow(TypeError)
    await expect(fleet.renew('sensor-1', { csr, presented: fingerprint, overlapSeconds: 1 })).rejects.toThrow(TypeError)
    await expect(fleet.renew('sensor-1', { csr, graceSeconds: 1 })).rejects.toThrow(TypeError)
    await expect(fleet.renew('sensor-1', { csr, presented: fingerprint, graceSeconds: -1 })).rejects.toMatchObject({
      code: 'ERR_PKI_VALIDITY',
    })
  })

  it('lets the profile change, as a label of EST may', async () => {
    const { csr } = await deviceKey()
    const { fingerprint } = await fleet.renew('sensor-1', { csr, presented: first.fingerprint, profile: 'sensor-7d' })
    expect(await fleet.identify({ fingerprint })).toMatchObject({ certificate: { profile: 'sensor-7d' } })
  })

  it('renews a pinned certificate, beside what is issued', async () => {
    const elsewhere = await timedFleet()
    const foreign = await elsewhere.fleet.enroll('any', { csr: (await deviceKey()).csr })
    await elsewhere.fleet.close()
    const pinned = await fleet.register('sensor-1', foreign.certificate)
    const renewed = await fleet.renew('sensor-1', { csr: (await deviceKey()).csr, presented: pinned.fingerprint })
    const other = await renew(first)
    for (const credential of [first, pinned, renewed, other]) expect(await statusOf(credential)).toBe('active')
  })
})

describe('grace', () => {
  it('forgives that it has expired, no longer than that, and nothing without it', async () => {
    timed.later(365 * day)
    expect(await statusOf(first)).toBe('expired')
    const expired = { code: 'ERR_PKI_DEVICE_NOT_ACTIVE', details: { status: 'expired' } }
    await expect(renew(first)).rejects.toMatchObject(expired)
    await expect(renew(first, undefined, 0)).rejects.toMatchObject(expired)
    timed.later(10 * day)
    await expect(renew(first, undefined, 10 * day - 1)).rejects.toMatchObject(expired)
    const renewed = await renew(first, undefined, 10 * day + 2)
    expect(await statusOf(renewed)).toBe('active')
    expect(await statusOf(first)).toBe('expired')
  })

  it('helps also after an answer was lost, before or after the end', async () => {
    timed.later(300 * day)
    await renew(first)
    timed.later(70 * day)
    const second = await renew(first, undefined, 30 * day)
    const third = await renew(first, undefined, 30 * day)
    for (const credential of [second, third]) expect(await statusOf(credential)).toBe('active')
    await fleet.confirm('sensor-1', { fingerprint: third.fingerprint, overlapSeconds: 0 })
    await expect(renew(first, undefined, 30 * day)).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { status: 'superseded' },
    })
  })

  it('does not help the old key when the device was enrolled anew since', async () => {
    const superseded = { code: 'ERR_PKI_DEVICE_NOT_ACTIVE', details: { status: 'superseded' } }
    timed.later(366 * day)
    await fleet.enroll('sensor-1', { csr: (await deviceKey()).csr })
    await expect(renew(first, undefined, 30 * day)).rejects.toMatchObject(superseded)

    // The same behind a renewal whose answer was lost.
    const key = await deviceKey()
    const other = await fleet.enroll('sensor-2', { csr: key.csr, profile: 'short' })
    const lost = await fleet.renew('sensor-2', { csr: (await deviceKey()).csr, presented: other.fingerprint })
    timed.later(601)
    await fleet.enroll('sensor-2', { csr: (await deviceKey()).csr })
    for (const { fingerprint } of [other, lost]) {
      const request = { csr: (await deviceKey()).csr, presented: fingerprint, graceSeconds: day }
      await expect(fleet.renew('sensor-2', request)).rejects.toMatchObject(superseded)
    }
  })
})

describe('a device that renews over and over', () => {
  it('is stopped for a while, hears for how long, and may go on then', async () => {
    for (let count = 1; count < 8; count += 1) {
      await renew(first)
      timed.later(60)
    }
    const limited = await renew(first).catch((error: unknown) => error)
    expect(limited).toMatchObject({
      code: 'ERR_PKI_RENEWAL_LIMIT',
      details: { deviceId: 'sensor-1', retryAfterSeconds: day - 7 * 60 },
    })
    // It is the fleet's to say so; the operator may.
    await expect(fleet.renew('sensor-1')).resolves.toBeDefined()
    timed.later(day - 7 * 60 + 60)
    await renew(first)
    expect(await statusOf(first)).toBe('active')
  })

  it('also if it confirms each time, and sooner where certificates are short-lived', async () => {
    let current = await fleet.enroll('sensor-3', { csr: (await deviceKey()).csr, profile: 'short' })
    const again = async () => {
      const next = await fleet.renew('sensor-3', { csr: (await deviceKey()).csr, presented: current.fingerprint })
      await fleet.confirm('sensor-3', { fingerprint: next.fingerprint })
      current = next
    }
    for (let count = 1; count < 8; count += 1) await again()
    await expect(again()).rejects.toMatchObject({
      code: 'ERR_PKI_RENEWAL_LIMIT',
      details: { retryAfterSeconds: 600 },
    })
    timed.later(400)
    await expect(again()).rejects.toMatchObject({ details: { retryAfterSeconds: 200 } })
    // Renewing at two thirds of a lifetime never comes near it.
    let steady = await fleet.enroll('sensor-4', { csr: (await deviceKey()).csr, profile: 'short' })
    for (let count = 0; count < 20; count += 1) {
      timed.later(400)
      steady = await fleet.renew('sensor-4', { csr: (await deviceKey()).csr, presented: steady.fingerprint })
    }
  })

  it('answers a repeated question nonetheless', async () => {
    const keys = []
    for (let count = 1; count < 8; count += 1) {
      keys.push(await deviceKey())
      await renew(first, keys.at(-1)!)
    }
    await expect(renew(first)).rejects.toMatchObject({ code: 'ERR_PKI_RENEWAL_LIMIT' })
    await expect(renew(first, keys.at(-1)!)).resolves.toBeDefined()
  })
})

/** Lets `first` happen in front of each commit. */
function beforeCommit(store: Store, happens: () => Promise<unknown>): Store {
  return {
    ...store,
    async commit(...args) {
      await happens()
      return store.commit(...args)
    },
  }
}
