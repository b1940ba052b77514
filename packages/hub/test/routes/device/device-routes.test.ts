import { createServer as createHttpServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { CreateTokenRequest } from '@fleetcert/core'
import { toNodeHandler } from '@fleetcert/hub'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AskOptions, type DeviceHub, openDeviceHub } from '../../support/device-hub.ts'
import { deviceKey } from '../../support/device-key.ts'
import { rawRequest } from '../../support/raw-request.ts'
import { listen } from '../../support/servers.ts'
import { type ForeignCa, openForeignCa } from '../../support/strangers.ts'
import { collect, type Reply } from '../../support/test-hub.ts'
import { waitingStore } from '../../support/waiting-store.ts'

const day = 86_400
const minute = 60

let hub: DeviceHub
let foreign: ForeignCa
let now: number
let serial = 0

beforeAll(async () => {
  // From the machine's time on: TLS knows no other.
  now = Date.now()
  const clock = () => new Date(now)
  hub = await openDeviceHub({
    clock,
    device: { renewalGraceSeconds: 7 * day },
    open: { clock, profiles: { device: { validitySeconds: 30 * day } } },
  })
  foreign = await openForeignCa()
})
afterAll(async () => {
  await hub.close()
  await foreign.fleet.close()
})
beforeEach(() => {
  hub.errors.length = 0
})

const later = (seconds: number): void => {
  now += seconds * 1000
}

interface Device {
  readonly deviceId: string
  readonly key: ReturnType<typeof deviceKey>
  readonly identity: { readonly cert: string; readonly key: string }
  readonly fingerprint: string
}

const newId = (): string => `device-${++serial}`

async function enroll(deviceId = newId(), grant: Partial<CreateTokenRequest> = {}): Promise<Device> {
  const { token } = await hub.fleet.createToken({ deviceId, ...grant })
  const key = deviceKey()
  const reply = await enrollBy(token, { deviceId, csr: await key.csr() })
  expect(reply.status).toBe(201)
  return deviceOf(reply, key)
}

function enrollBy(token: string, body: object): Promise<Reply> {
  return hub.ask('POST', '/api/device/enroll', { headers: { authorization: `Bearer ${token}` }, body })
}

function deviceOf({ json }: Reply, key: ReturnType<typeof deviceKey>): Device {
  const identity = { cert: json.clientCert, key: key.key }
  return { deviceId: json.deviceId, key, identity, fingerprint: json.fingerprint }
}

const askRenewal = async (device: Pick<Device, 'identity'>, key = deviceKey()): Promise<Reply> =>
  hub.ask('POST', '/api/device/renew', { identity: device.identity, body: { csr: await key.csr() } })

async function renew(device: Pick<Device, 'identity'>): Promise<Device> {
  const key = deviceKey()
  const reply = await askRenewal(device, key)
  expect(reply.status, reply.text).toBe(201)
  return deviceOf(reply, key)
}

const info = (device: Pick<Device, 'identity'>): Promise<Reply> =>
  hub.ask('GET', '/api/device/renewal-info', { identity: device.identity })

const confirm = (device: Pick<Device, 'identity'>): Promise<Reply> =>
  hub.ask('POST', '/api/device/confirm', { identity: device.identity, body: {} })

const codeOf = (reply: Reply): string => `${reply.status} ${reply.json?.error?.code}`

describe('enrol', () => {
  test('answers as operators are answered, and never with a key', async () => {
    const deviceId = newId()
    const { token } = await hub.fleet.createToken({ deviceId, owner: 'acme', attributes: { site: 'north' } })
    const reply = await enrollBy(token, { deviceId, csr: await deviceKey().csr() })
    expect(reply.status).toBe(201)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    const keys = 'brokerUrl caCert clientCert deviceId fingerprint mqttSecurePort notAfter serialNumber'
    expect(Object.keys(reply.json).sort().join(' ')).toBe(keys)
    expect(reply.text).not.toContain('PRIVATE')
    expect(await hub.fleet.device(deviceId)).toMatchObject({ owner: 'acme', attributes: { site: 'north' } })
  })

  test('asked again with the same key, it answers the same certificate', async () => {
    const deviceId = newId()
    const { token } = await hub.fleet.createToken({ deviceId })
    const key = deviceKey()
    const first = await enrollBy(token, { deviceId, csr: await key.csr() })
    const second = await enrollBy(token, { deviceId, csr: await key.csr() })
    expect(second.json).toEqual(first.json)
    expect(codeOf(await enrollBy(token, { deviceId, csr: await deviceKey().csr() }))).toBe('401 ERR_PKI_TOKEN_SPENT')
  })

  test('a token is good for its device, until it expires, and until the device is revoked', async () => {
    const csr = await deviceKey().csr()
    const deviceId = newId()
    const { token } = await hub.fleet.createToken({ deviceId, expiresInSeconds: 10 * minute })
    const { token: voided } = await hub.fleet.createToken({ deviceId: 'revoked-1' })
    expect(codeOf(await enrollBy(token, { deviceId: 'another', csr }))).toBe('401 ERR_PKI_TOKEN')
    expect(codeOf(await enrollBy(`fct_${'A'.repeat(43)}`, { deviceId, csr }))).toBe('401 ERR_PKI_TOKEN')
    expect(codeOf(await enrollBy('x', { deviceId, csr }))).toBe('401 ERR_PKI_TOKEN')
    await hub.fleet.enroll('revoked-1')
    await hub.fleet.revoke('revoked-1')
    expect(codeOf(await enrollBy(voided, { deviceId: 'revoked-1', csr }))).toBe('409 ERR_PKI_DEVICE_CLOSED')
    later(10 * minute)
    expect(codeOf(await enrollBy(token, { deviceId, csr }))).toBe('401 ERR_PKI_TOKEN_EXPIRED')
  })

  test.each<[string, Record<string, string>]>([
    ['no header', {}],
    ['an operator’s', { authorization: 'Basic b3BlcmF0b3I6eA==' }],
    ['two', { authorization: 'Bearer a, Bearer b' }],
    ['none behind the scheme', { authorization: 'Bearer ' }],
    ['one in the wrong header', { 'x-token': 'a' }],
  ])('without a token: %s', async (_, headers) => {
    const body = { deviceId: 'x', csr: 'x' }
    const reply = await hub.ask('POST', '/api/device/enroll', { headers, body })
    expect(codeOf(reply)).toBe('401 ERR_PKI_FORBIDDEN')
    expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="fleetcert"')
  })

  test('a token in the address is no token', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'address' })
    const body = { deviceId: 'address', csr: await deviceKey().csr() }
    const reply = await hub.ask('POST', `/api/device/enroll?token=${token}`, { body })
    expect(reply.status).toBe(401)
  })

  test.each<[string, AskOptions['body']]>([
    ['no csr', { deviceId: 'x' }],
    ['no device', { csr: 'x' }],
    ['a field too many', { deviceId: 'x', csr: 'x', owner: 'me' }],
    ['a role', { deviceId: 'x', csr: 'x', role: 'service' }],
    ['an id that is none', { deviceId: '+', csr: 'x' }],
    ['a list', [1] as object],
    ['no JSON', 'csr=x'],
    ['nothing', undefined],
    [
      'a csr that is none',
      { deviceId: 'x', csr: '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----' },
    ],
  ])('malformed: %s', async (_, body) => {
    const { token } = await hub.fleet.createToken({ deviceId: 'x' })
    const headers = {
      authorization: `Bearer ${token}`,
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
    }
    const reply = await hub.ask('POST', '/api/device/enroll', { headers, ...(body === undefined ? {} : { body }) })
    expect(reply.status).toBe(400)
    expect(reply.text).not.toContain(token)
  })

  test('neither token nor hash is in the ledger, in a reply or in what is reported', async () => {
    const deviceId = newId()
    const { token } = await hub.fleet.createToken({ deviceId })
    const replies = [
      await enrollBy(token, { deviceId: 'another', csr: await deviceKey().csr() }),
      await enrollBy(token, { deviceId, csr: 'x' }),
    ]
    hub.breakStore(true)
    replies.push(await enrollBy(token, { deviceId, csr: await deviceKey().csr() }))
    hub.breakStore(false)
    expect(codeOf(replies[2]!)).toBe('503 ERR_PKI_STORE_UNAVAILABLE')
    const told = JSON.stringify([
      replies.map(({ text }) => text),
      hub.errors.map(String),
      await collect(hub.fleet.events({ follow: false })),
    ])
    expect(told).not.toContain(token.slice(4))
  })

  test('over TLS alone', async () => {
    const { token } = await hub.fleet.createToken({ deviceId: 'plain' })
    const plain = await listen(createHttpServer(toNodeHandler(hub.hub)))
    const body = { deviceId: 'plain', csr: await deviceKey().csr() }
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-proto': 'https' }
    const reply = await rawRequest(plain.port, 'POST', '/api/device/enroll', { headers, body })
    expect(codeOf(reply)).toBe('400 ERR_PKI_REQUEST')
    expect(reply.text).toContain('TLS alone')
    await plain.close()
    // The token was not spent.
    expect((await enrollBy(token, body)).status).toBe(201)
  })
})

describe('who shows a certificate', () => {
  const routes = ['renew', 'confirm', 'renewal-info'] as const
  const ask = async (route: (typeof routes)[number], identity: Device['identity'] | undefined): Promise<string> => {
    const body = route === 'renew' ? { csr: await deviceKey().csr() } : {}
    const isGet = route === 'renewal-info'
    const reply = await hub.ask(isGet ? 'GET' : 'POST', `/api/device/${route}`, {
      ...(identity === undefined ? {} : { identity }),
      ...(isGet ? {} : { body }),
    })
    return reply.status < 300 ? String(reply.status) : codeOf(reply)
  }

  test.each(routes)('%s: nobody, a stranger, a name-sake, a server', async route => {
    expect(await ask(route, undefined)).toBe('401 ERR_PKI_CLIENT_REQUIRED')
    expect(await ask(route, await foreign.identity(`stranger-${route}`))).toBe('401 ERR_PKI_CLIENT_UNTRUSTED')
    const { deviceId } = await enroll()
    expect(await ask(route, await foreign.identity(deviceId))).toBe('401 ERR_PKI_CLIENT_UNTRUSTED')
    const server = await hub.fleet.issueServer({ hosts: ['broker.example'] })
    expect(await ask(route, { cert: server.certificate, key: server.privateKey! })).toBe('401 ERR_PKI_CLIENT_UNTRUSTED')
  })

  test.each(routes)('%s: revoked, on hold, superseded', async route => {
    const revoked = await enroll()
    await hub.fleet.revoke(revoked.deviceId)
    expect(await ask(route, revoked.identity)).toBe('403 ERR_PKI_CLIENT_REVOKED')

    const held = await enroll()
    await hub.fleet.revoke(held.deviceId, { reason: 'certificateHold' })
    expect(await ask(route, held.identity)).toBe('403 ERR_PKI_CLIENT_REVOKED')
    await hub.fleet.release(held.deviceId)
    expect(await ask(route, held.identity)).toMatch(/^20/)

    const old = await enroll()
    const renewed = await renew(old)
    expect((await confirm(renewed)).json).toEqual({ superseded: 1 })
    later(2 * minute)
    expect(await ask(route, old.identity)).toBe('403 ERR_PKI_CLIENT_SUPERSEDED')
  })

  test('expired: renewal forgives a week, nothing else does, and nothing else is forgiven', async () => {
    const device = await enroll()
    const revoked = await enroll()
    const old = await enroll()
    await confirm(await renew(old))
    later(30 * day + minute)
    await hub.fleet.revoke(revoked.deviceId)
    expect(await ask('renewal-info', device.identity)).toBe('401 ERR_PKI_CLIENT_EXPIRED')
    expect(await ask('confirm', device.identity)).toBe('401 ERR_PKI_CLIENT_EXPIRED')
    expect(await ask('renew', revoked.identity)).toBe('403 ERR_PKI_CLIENT_REVOKED')
    expect(await ask('renew', old.identity)).toBe('403 ERR_PKI_CLIENT_SUPERSEDED')
    const renewed = await renew(device)
    expect((await info(renewed)).status).toBe(200)
  })

  test('expired for more than the grace', async () => {
    const device = await enroll()
    later(37 * day + minute)
    expect(await ask('renew', device.identity)).toBe('401 ERR_PKI_CLIENT_EXPIRED')
  })

  test('a certificate that an operator has pinned is renewed by one of this fleet', async () => {
    const pinned = await foreign.identity('pinned-1')
    expect(await ask('renew', pinned)).toBe('401 ERR_PKI_CLIENT_UNTRUSTED')
    await hub.fleet.register('pinned-1', pinned.certificate)
    const renewed = await renew({ identity: pinned })
    expect(renewed.deviceId).toBe('pinned-1')
    expect((await info(renewed)).status).toBe(200)
  })

  test('neither the body nor the address says who asks', async () => {
    const [device, other] = [await enroll(), await enroll()]
    const body = { csr: await deviceKey().csr(), deviceId: other.deviceId }
    const reply = await hub.ask('POST', '/api/device/renew', { identity: device.identity, body })
    expect(codeOf(reply)).toBe('400 ERR_PKI_REQUEST')
  })
})

describe('renew', () => {
  test('the old certificate stays good until the new one is confirmed', async () => {
    const old = await enroll(newId(), { owner: 'acme' })
    const renewed = await renew(old)
    later(3 * day)
    expect((await info(old)).status).toBe(200)
    expect((await confirm(old)).json).toEqual({ superseded: 0 })
    expect((await confirm(renewed)).json).toEqual({ superseded: 1 })
    expect((await confirm(renewed)).json).toEqual({ superseded: 0 })
    later(2 * minute)
    expect(codeOf(await info(old))).toBe('403 ERR_PKI_CLIENT_SUPERSEDED')
    expect((await info(renewed)).status).toBe(200)
    expect((await hub.fleet.device(old.deviceId))?.owner).toBe('acme')
  })

  test('a lost answer is answered again, and a lost certificate replaced', async () => {
    const old = await enroll()
    const key = deviceKey()
    const first = await askRenewal(old, key)
    expect((await askRenewal(old, key)).json).toEqual(first.json)
    const another = await renew(old)
    expect(another.fingerprint).not.toBe(first.json.fingerprint)
    expect((await info(old)).status).toBe(200)
  })

  test('at once: one certificate, whoever was first', async () => {
    const old = await enroll()
    const key = deviceKey()
    const replies = await Promise.all([1, 2, 3].map(() => askRenewal(old, key)))
    const fingerprints = new Set(replies.filter(({ status }) => status === 201).map(({ json }) => json.fingerprint))
    expect(fingerprints.size).toBe(1)
    for (const reply of replies) if (reply.status !== 201) expect(codeOf(reply)).toBe('409 ERR_PKI_RENEWAL_BUSY')
  })

  test('over and over: 429, and when to come back', async () => {
    const old = await enroll()
    let reply = await askRenewal(old)
    for (let index = 0; index < 10 && reply.status === 201; index += 1) reply = await askRenewal(old)
    expect(codeOf(reply)).toBe('429 ERR_PKI_RENEWAL_LIMIT')
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await info(old)).status).toBe(200)
  })

  test('another key than is allowed is refused, and nothing changes', async () => {
    const device = await enroll()
    const reply = await hub.ask('POST', '/api/device/renew', { identity: device.identity, body: { csr: 'x' } })
    expect(codeOf(reply)).toBe('400 ERR_PKI_PEM')
    expect((await hub.ask('POST', '/api/device/renew', { identity: device.identity, body: {} })).status).toBe(400)
    expect((await info(device)).json.fingerprint).toBe(device.fingerprint)
  })
})

describe('renewal-info', () => {
  test('a window around two thirds of the lifetime, whom to trust, and when to ask again', async () => {
    const device = await enroll()
    const reply = await info(device)
    expect(reply.json).toEqual({
      suggestedWindow: { start: expect.any(String), end: expect.any(String) },
      trustAnchors: hub.fleet.trustAnchors,
      fingerprint: device.fingerprint,
    })
    const { notAfter } = (await hub.fleet.device(device.deviceId))!
    const start = Date.parse(reply.json.suggestedWindow.start)
    const end = Date.parse(reply.json.suggestedWindow.end)
    expect(start).toBeGreaterThan(now)
    expect(end).toBeGreaterThan(start)
    expect(end).toBeLessThan(notAfter.getTime())
    const waits = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async () => Number((await info(device)).headers.get('retry-after'))),
    )
    for (const seconds of waits) {
      expect(seconds).toBeGreaterThanOrEqual(0.8 * 6 * 3600)
      expect(seconds).toBeLessThanOrEqual(1.2 * 6 * 3600)
    }
    expect(new Set(waits).size).toBeGreaterThan(1)
  })

  test('an operator hurries, and takes it back', async () => {
    const hurried = await enroll(newId(), { owner: 'hurried' })
    later(minute)
    const operator = { headers: { authorization: 'Bearer operator-token' } }
    const to = new Date(now + 3600_000).toISOString()
    const scheduled = await hub.ask('POST', '/api/devices/renewals', {
      ...operator,
      body: { to, owner: 'hurried', reason: 'a leak' },
    })
    expect(scheduled.status).toBe(201)
    const reply = await info(hurried)
    expect(reply.json.reason).toBe('a leak')
    expect(reply.json.suggestedWindow).toEqual({ start: new Date(now).toISOString(), end: to })
    const listed = await hub.ask('GET', '/api/devices/renewals', operator)
    expect(listed.json).toEqual({ schedules: [scheduled.json] })
    const path = `/api/devices/renewals/${scheduled.json.id}`
    expect((await hub.ask('DELETE', path, operator)).json).toEqual({ withdrawn: scheduled.json.id })
    expect(codeOf(await hub.ask('DELETE', path, operator))).toBe('404 ERR_PKI_NOT_FOUND')
    expect((await info(hurried)).json.reason).toBeUndefined()
  })
})

describe('more than can be done at a time', () => {
  test('comes back later, each at another time, and strangers do not keep devices out', async () => {
    const { store, wait, letGo } = waitingStore()
    const busy = await openDeviceHub({ device: { maximumConcurrent: 2 }, open: { store } })
    const made = await busy.fleet.enroll('renewing')
    const identity = { cert: made.certificate, key: made.privateKey! }
    wait()
    const ask = async (deviceId: string): Promise<Reply> => {
      const { token } = await busy.fleet.createToken({ deviceId })
      const headers = { authorization: `Bearer ${token}` }
      return busy.ask('POST', '/api/device/enroll', { headers, body: { deviceId, csr: await deviceKey().csr() } })
    }
    const ids = Array.from({ length: 12 }, (_, index) => `e-${index}`)
    const asked = ids.map(ask)
    let answered = 0
    for (const reply of asked) void reply.then(() => (answered += 1))
    while (answered < 10) await setTimeout(5)
    const csr = await deviceKey().csr()
    const renewal = busy.ask('POST', '/api/device/renew', { identity, body: { csr } })
    letGo()
    expect((await renewal).status).toBe(201)
    const replies = await Promise.all(asked)
    const late = replies.filter(({ status }) => status === 503)
    expect(late).toHaveLength(10)
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(2)
    for (const reply of late) expect(codeOf(reply)).toBe('503 ERR_PKI_BUSY')
    expect(new Set(late.map(({ headers }) => headers.get('retry-after'))).size).toBeGreaterThan(1)
    await busy.close()
  })
})
