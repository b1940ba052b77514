import { type Fleet, type FleetEvent, memoryKeyring, memoryStore, openFleet } from '@fleetcert/core'
import { parseCertificate } from '@fleetcert/x509'
import { beforeEach, describe, expect, it } from 'vitest'

let now: Date
let fleet: Fleet
const store = () => memoryStore({ clock: () => now })
beforeEach(async () => {
  now = new Date('2026-11-21T12:00:00.500Z')
  fleet = await openFleet({ store: store(), keyring: memoryKeyring(), clock: () => now, background: false })
  return () => fleet.close()
})
const later = (seconds: number): void => {
  now = new Date(now.getTime() + seconds * 1000)
}
const history = async (): Promise<FleetEvent[]> => {
  const events: FleetEvent[] = []
  for await (const event of fleet.events({ follow: false })) events.push(event)
  return events
}

describe('enroll', () => {
  it('back-dates by five minutes and ends a second before the full year', async () => {
    const { notBefore, notAfter } = await fleet.enroll('sensor-1')
    expect(notBefore.toISOString()).toBe('2026-11-21T11:55:00.000Z')
    expect(notAfter.toISOString()).toBe('2027-11-21T11:59:59.000Z')
  })

  it('refuses a second live enrolment, and lets the operator enrol again after a revocation', async () => {
    await fleet.enroll('sensor-1')
    await expect(fleet.enroll('sensor-1')).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_EXISTS',
      details: { deviceId: 'sensor-1' },
    })
    await fleet.revoke('sensor-1')
    const again = await fleet.enroll('sensor-1')
    expect((await fleet.identify({ fingerprint: again.fingerprint })).status).toBe('active')
  })

  it('lets one of many concurrent enrolments of a device win', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => fleet.enroll('sensor-1')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_PKI_DEVICE_EXISTS' })
    }
  })

  it.each([
    '',
    'ca',
    'validate',
    'authorize',
    '.hidden',
    '-x',
    'a/b',
    'a+b',
    'a#',
    'a b',
    'ü',
    'a\u0000',
    'x'.repeat(65),
    '../etc',
  ])('refuses the device id %j', async deviceId => {
    await expect(fleet.enroll(deviceId)).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_ID',
      details: { field: 'deviceId' },
    })
  })

  it.each(['+', '#', 'a/b', ''])('refuses the owner %j', async owner => {
    await expect(fleet.enroll('sensor-1', { owner })).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_ID',
      details: { field: 'owner' },
    })
  })

  it('refuses lifetimes that are not possible', async () => {
    for (const validitySeconds of [0, -1, 59, 1.5, Number.NaN, 11 * 365 * 86_400]) {
      await expect(fleet.enroll('sensor-1', { validitySeconds })).rejects.toMatchObject({ code: 'ERR_PKI_VALIDITY' })
    }
    expect(await fleet.device('sensor-1')).toBeUndefined()
  })

  it('never outlives the issuer: a default lifetime is cut at its end', async () => {
    later(9.5 * 365 * 86_400)
    const { notAfter } = await fleet.enroll('sensor-1')
    for await (const issuer of fleet.issuers())
      expect(notAfter.getTime()).toBeLessThanOrEqual(issuer.notAfter.getTime())
  })
})

describe('identify', () => {
  it('tells active, expired, not yet valid, revoked, held, unknown', async () => {
    const { fingerprint, certificate } = await fleet.enroll('sensor-1', {
      owner: 'alice',
      attributes: { site: 'north' },
    })
    const { der } = parseCertificate(certificate)
    const active = await fleet.identify({ der })
    expect(active).toMatchObject({
      status: 'active',
      device: { deviceId: 'sensor-1', owner: 'alice', role: 'device', attributes: { site: 'north' }, fingerprint },
    })
    expect(await fleet.identify({ fingerprint: fingerprint.toLowerCase().replaceAll(':', '') })).toMatchObject({
      status: 'active',
    })
    expect(await fleet.identify({ fingerprint: 'AA'.repeat(32) })).toEqual({ status: 'unknown' })
    expect(await fleet.identify({ der: new Uint8Array(3) })).toEqual({ status: 'unknown' })
    await expect(fleet.identify({ fingerprint: 'zz' })).rejects.toMatchObject({ code: 'ERR_PKI_FINGERPRINT' })
    later(366 * 86_400)
    expect((await fleet.identify({ der })).status).toBe('expired')
  })

  it('counts notAfter as the last valid second', async () => {
    const { fingerprint, notAfter } = await fleet.enroll('sensor-1')
    now = new Date(notAfter.getTime() + 999)
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
    now = new Date(notAfter.getTime() + 1000)
    expect((await fleet.identify({ fingerprint })).status).toBe('expired')
  })

  it('is not fooled by the certificate of a server', async () => {
    const server = await fleet.issueServer({ hosts: ['broker.example'] })
    expect(await fleet.identify({ fingerprint: server.fingerprint })).toEqual({ status: 'unknown' })
  })

  it('fails closed when the clock is behind the ledger', async () => {
    const { fingerprint } = await fleet.enroll('sensor-1')
    later(-4)
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
    later(-3)
    await expect(fleet.identify({ fingerprint })).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
    await expect(fleet.enroll('sensor-2')).rejects.toMatchObject({ code: 'ERR_PKI_CLOCK' })
    // Revoking never waits for a clock.
    await fleet.revoke('sensor-1')
  })
})

describe('renew', () => {
  it('keeps owner and role, lets the old one live through the overlap, then supersedes it', async () => {
    const first = await fleet.enroll('sensor-1', { owner: 'alice' })
    later(3600)
    const second = await fleet.renew('sensor-1', { overlapSeconds: 600 })
    expect(second.fingerprint).not.toBe(first.fingerprint)
    expect(await fleet.device('sensor-1')).toMatchObject({
      owner: 'alice',
      fingerprint: second.fingerprint,
      status: 'active',
    })
    expect((await fleet.identify({ fingerprint: first.fingerprint })).status).toBe('active')
    later(600)
    expect((await fleet.identify({ fingerprint: first.fingerprint })).status).toBe('superseded')
    expect((await fleet.identify({ fingerprint: second.fingerprint })).status).toBe('active')
  })

  it('refuses the unknown, the revoked and the held', async () => {
    await expect(fleet.renew('sensor-1')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_UNKNOWN' })
    await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1', { reason: 'certificateHold' })
    await expect(fleet.renew('sensor-1')).rejects.toMatchObject({
      code: 'ERR_PKI_DEVICE_NOT_ACTIVE',
      details: { status: 'held' },
    })
  })
})

describe('revoke', () => {
  it('ends every certificate of the device, once', async () => {
    const first = await fleet.enroll('sensor-1')
    const second = await fleet.renew('sensor-1')
    const result = await fleet.revoke('sensor-1', { reason: 'cessationOfOperation' })
    expect(result.certificates).toHaveLength(2)
    expect(await result.enforced).toEqual({ confirmed: [], pending: [], failed: [] })
    for (const { fingerprint } of [first, second]) {
      expect(await fleet.identify({ fingerprint })).toMatchObject({ status: 'revoked', reason: 'cessationOfOperation' })
    }
    later(60)
    const again = await fleet.revoke('sensor-1', { reason: 'superseded' })
    expect(again).toMatchObject({
      reason: 'cessationOfOperation',
      revocationDate: result.revocationDate,
      certificates: [],
    })
  })

  it('takes a fingerprint or a serial number and never guesses', async () => {
    const { fingerprint, serialNumber, issuerKeyId } = await fleet.enroll('sensor-1')
    await expect(fleet.revoke('sensor-2')).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_UNKNOWN' })
    await expect(fleet.revoke(fingerprint)).rejects.toMatchObject({ code: 'ERR_PKI_DEVICE_ID' })
    await expect(fleet.revoke({ fingerprint: 'AB'.repeat(32) })).rejects.toMatchObject({
      code: 'ERR_PKI_CERTIFICATE_UNKNOWN',
    })
    expect((await fleet.revoke({ issuerKeyId, serialNumber })).deviceId).toBe('sensor-1')
    expect((await fleet.identify({ fingerprint })).status).toBe('revoked')
  })

  it('never certifies a key again that was revoked for keyCompromise', async () => {
    const { createCertificationRequest, softwareSigner } = await import('@fleetcert/x509')
    const { generateKeyPairSync } = await import('node:crypto')
    const signer = softwareSigner(generateKeyPairSync('ed25519').privateKey)
    const csr = await createCertificationRequest({ subject: [], signer })
    await fleet.enroll('sensor-1', { csr })
    await fleet.revoke('sensor-1', { reason: 'keyCompromise' })
    await expect(fleet.enroll('sensor-2', { csr })).rejects.toMatchObject({ code: 'ERR_PKI_KEY_BLOCKED' })
  })

  it('refuses reasons and dates that are none', async () => {
    await fleet.enroll('sensor-1')
    await expect(fleet.revoke('sensor-1', { reason: 'removeFromCRL' })).rejects.toBeInstanceOf(TypeError)
    await expect(fleet.revoke('sensor-1', { reason: 'bored' as never })).rejects.toBeInstanceOf(TypeError)
    await expect(fleet.revoke('sensor-1', { invalidityDate: new Date(now.getTime() + 1000) })).rejects.toBeInstanceOf(
      RangeError,
    )
  })
})

describe('enforcers', () => {
  it('are asked at a revocation and their answers are gathered', async () => {
    await fleet.close()
    const asked: string[] = []
    fleet = await openFleet({
      store: store(),
      keyring: memoryKeyring(),
      background: false,
      enforceTimeoutSeconds: 0.05,
      enforcers: [
        {
          name: 'quick',
          async silence({ deviceId }) {
            asked.push(deviceId)
            return 'gone'
          },
        },
        { name: 'broken', silence: () => Promise.reject(new Error('down')) },
        { name: 'slow', silence: () => new Promise(() => {}) },
      ],
    })
    await fleet.enroll('sensor-1')
    const { enforced } = await fleet.revoke('sensor-1')
    expect(await enforced).toMatchObject({ confirmed: ['quick'], pending: ['slow'], failed: [{ name: 'broken' }] })
    expect(asked).toEqual(['sensor-1'])
  })
})

describe('events', () => {
  it('tells the story in order, and follows', async () => {
    await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    const events = await history()
    expect(events.map(({ type }) => type)).toEqual([
      'issuing',
      'issued',
      'issuing',
      'issued',
      'fleetCreated',
      'crlPublished',
      'issuing',
      'issued',
      'revoked',
    ])
    expect(events.map(({ sequence }) => sequence)).toEqual(
      events.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
    )
    expect(events.at(-1)).toMatchObject({ deviceId: 'sensor-1', details: { reason: 'unspecified' } })
    const following = fleet.events({ after: events.at(-1)!.cursor })[Symbol.asyncIterator]()
    const next = following.next()
    await fleet.enroll('sensor-2')
    expect((await next).value).toMatchObject({ type: 'issuing', deviceId: 'sensor-2' })
    await fleet.close()
    expect((await following.next()).done ?? (await following.next()).done).toBeTruthy()
  })
})

describe('devices', () => {
  it('lists by owner, state and expiry, one row a device', async () => {
    await fleet.enroll('a', { owner: 'alice' })
    await fleet.renew('a')
    await fleet.enroll('b', { owner: 'bob', validitySeconds: 3600 })
    await fleet.enroll('c', { owner: 'alice', role: 'service' })
    await fleet.revoke('c')
    const ids = async (query?: Parameters<Fleet['devices']>[0]): Promise<string[]> => {
      const found: string[] = []
      for await (const { deviceId } of fleet.devices(query)) found.push(deviceId)
      return found
    }
    expect(await ids()).toEqual(['a', 'b', 'c'])
    expect(await ids({ owner: 'alice' })).toEqual(['a', 'c'])
    expect(await ids({ status: 'active' })).toEqual(['a', 'b'])
    expect(await ids({ expiringBefore: new Date(now.getTime() + 86_400_000) })).toEqual(['b'])
    expect(await ids({ after: 'a', limit: 1 })).toEqual(['b'])
  })
})

describe('crl', () => {
  it('is kept until something changes or it ages; its number rises', async () => {
    const first = await fleet.crl()
    expect(first.crlNumber).toBe(1n)
    expect((await fleet.crl()).der).toEqual(first.der)
    await fleet.enroll('sensor-1')
    expect((await fleet.crl()).crlNumber).toBe(1n)
    await fleet.revoke('sensor-1')
    expect((await fleet.crl()).crlNumber).toBe(2n)
    later(6 * 86_400 + 1)
    const aged = await fleet.crl()
    expect(aged.crlNumber).toBe(3n)
    expect(aged.nextUpdate.getTime() - aged.thisUpdate.getTime()).toBe(7 * 86_400_000)
    await expect(fleet.crl({ issuerKeyId: '00'.repeat(32) })).rejects.toMatchObject({ code: 'ERR_PKI_ISSUER_UNKNOWN' })
  })

  it('is built once for many who ask', async () => {
    await fleet.enroll('sensor-1')
    await fleet.revoke('sensor-1')
    const crls = await Promise.all(Array.from({ length: 10 }, () => fleet.crl()))
    expect(new Set(crls.map(({ crlNumber }) => crlNumber))).toEqual(new Set([1n]))
  })

  it('drops an expired certificate only after one CRL beyond its end', async () => {
    const { parseCrl } = await import('@fleetcert/x509')
    const entries = async (): Promise<number> => parseCrl((await fleet.crl()).der).entries.length
    await fleet.enroll('sensor-1', { validitySeconds: 3600 })
    await fleet.revoke('sensor-1')
    expect(await entries()).toBe(1)
    later(7 * 86_400)
    expect(await entries()).toBe(1)
    later(7 * 86_400)
    expect(await entries()).toBe(0)
  })
})

it('answers ERR_PKI_CLOSED after close, and closing twice is fine', async () => {
  await fleet.close()
  await fleet.close()
  await expect(fleet.enroll('sensor-1')).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
  await expect(fleet.identify({ fingerprint: 'AA'.repeat(32) })).rejects.toMatchObject({ code: 'ERR_PKI_CLOSED' })
})

describe('release', () => {
  it('takes back a hold and nothing else', async () => {
    const { fingerprint } = await fleet.enroll('sensor-1')
    await fleet.enroll('sensor-2')
    expect(await fleet.release('sensor-1')).toBe(false)
    await fleet.revoke('sensor-1', { reason: 'certificateHold' })
    expect((await fleet.identify({ fingerprint })).status).toBe('held')
    expect(await fleet.release({ fingerprint })).toBe(true)
    expect((await fleet.identify({ fingerprint })).status).toBe('active')
    await fleet.revoke('sensor-1', { reason: 'certificateHold' })
    expect(await fleet.release('sensor-1')).toBe(true)
    await fleet.revoke('sensor-1')
    expect(await fleet.release('sensor-1')).toBe(false)
    expect((await fleet.identify({ fingerprint })).status).toBe('revoked')
    await expect(fleet.release({ fingerprint: 'AA'.repeat(32) })).rejects.toMatchObject({
      code: 'ERR_PKI_CERTIFICATE_UNKNOWN',
    })
    expect((await history()).filter(({ type }) => type === 'released')).toHaveLength(2)
  })
})

describe('two processes', () => {
  it('silence what the other one revokes, once, within two looks at the ledger', async () => {
    const shared = memoryStore()
    const lasting = { ...shared, close: async () => {}, [Symbol.asyncDispose]: async () => {} }
    const keyring = memoryKeyring()
    const silenced: Record<'a' | 'b', string[]> = { a: [], b: [] }
    const open = (name: 'a' | 'b', enforcers: import('@fleetcert/core').Enforcer[]) => {
      enforcers.push({
        name,
        silence: async ({ deviceId }) => {
          silenced[name].push(deviceId)
          return 'gone'
        },
      })
      return openFleet({ store: lasting, keyring, enforcers })
    }
    const [a, b] = [await open('a', []), await open('b', [])]
    await a.enroll('sensor-1')
    await a.enroll('sensor-2')
    await a.revoke('sensor-1')
    await b.revoke('sensor-2', { reason: 'certificateHold' })
    await expect.poll(() => [...silenced.a].sort(), { timeout: 10_000 }).toEqual(['sensor-1', 'sensor-2'])
    await expect.poll(() => [...silenced.b].sort(), { timeout: 10_000 }).toEqual(['sensor-1', 'sensor-2'])
    await new Promise(resolve => setTimeout(resolve, 1200))
    expect([silenced.a.length, silenced.b.length]).toEqual([2, 2])
    await a.close()
    await b.close()
  })
})
