import type { HubAction } from '@fleetcert/hub'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asBroker, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let now: number
beforeAll(async () => {
  now = Date.parse('2030-01-01T00:00:00Z')
  const clock = () => new Date(now)
  hub = await openTestHub({ clock, open: { clock, profiles: { gateway: { validitySeconds: 86_400 } } } })
})
afterAll(() => hub.fleet.close())

test('a token is shown once, and never kept by anybody between', async () => {
  const body = { owner: 'acme', profile: 'gateway', expiresInSeconds: 3600 }
  const reply = await hub.call('POST', '/api/devices/d-1/token', { body })
  expect(reply.status).toBe(201)
  expect(reply.headers.get('cache-control')).toBe('no-store')
  const expiresAt = new Date(now + 3600_000).toISOString()
  expect(reply.json).toEqual({ token: expect.stringMatching(/^fct_[\w-]{43}$/), deviceId: 'd-1', expiresAt })
  expect((await hub.call('POST', '/api/devices/d-1/token')).status).toBe(201)
})

test.each<[string, unknown, string]>([
  ['/api/devices/d/token', { owner: '+' }, '400 ERR_PKI_DEVICE_ID'],
  ['/api/devices/%2B/token', {}, '400 ERR_PKI_DEVICE_ID'],
  ['/api/devices/d/token', { profile: 'none' }, '400 ERR_PKI_PROFILE'],
  ['/api/devices/d/token', { profile: 1 }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/d/token', { expiresInSeconds: 59 }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/d/token', { expiresInSeconds: 400 * 86_400 }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/d/token', { role: 'service' }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/d/token', { attributes: { site: 'x' } }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/token', {}, '404 ERR_PKI_NOT_FOUND'],
  ['/api/devices//token', {}, '404 ERR_PKI_NOT_FOUND'],
  ['/api/devices/renewals', {}, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: 'tomorrow' }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '2030-02-30' }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '1969-12-31T23:59:59Z' }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '2029-01-01T00:00:00Z' }, '400 ERR_PKI_VALIDITY'],
  ['/api/devices/renewals', { to: '2030-01-02T00:00:00Z', issuerKeyId: 'x' }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '2030-01-02T00:00:00Z', deviceIds: [] }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '2030-01-02T00:00:00Z', deviceIds: ['+'] }, '400 ERR_PKI_DEVICE_ID'],
  ['/api/devices/renewals', { to: '2030-01-02T00:00:00Z', deviceIds: Array(1001).fill('d') }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '2030-01-02T00:00:00Z', reason: '\u0007' }, '400 ERR_PKI_REQUEST'],
  ['/api/devices/renewals', { to: '2030-01-02T00:00:00Z', reason: '' }, '400 ERR_PKI_REQUEST'],
])('%s %j is %s', async (path, body, expected) => {
  const reply = await hub.call('POST', path, { body })
  expect(`${reply.status} ${reply.json.error.code}`).toBe(expected)
})

test('a schedule with all that it may say', async () => {
  const body = {
    from: '2030-01-01T12:00:00+02:00',
    to: '2030-01-03T00:00:00.500Z',
    owner: 'acme',
    profile: 'gateway',
    issuerKeyId: 'ab'.repeat(32),
    issuedBefore: '2029-12-31T00:00:00Z',
    deviceIds: ['d-1', 'd-2'],
    reason: 'a leak',
  }
  const { status, json } = await hub.call('POST', '/api/devices/renewals', { body })
  expect(status).toBe(201)
  expect(json).toEqual({
    ...body,
    id: expect.any(String),
    createdAt: new Date(now).toISOString(),
    from: '2030-01-01T10:00:00.000Z',
    issuedBefore: '2029-12-31T00:00:00.000Z',
  })
  expect((await hub.call('GET', '/api/devices/renewals')).json.schedules).toEqual([json])
  expect((await hub.call('DELETE', `/api/devices/renewals/${json.id}`)).status).toBe(200)
  expect((await hub.call('DELETE', `/api/devices/renewals/${json.id}`)).status).toBe(404)
})

test('authorize hears what is asked for', async () => {
  const heard: HubAction[] = []
  const listening = await openTestHub({
    authorize: (_request, action) => {
      heard.push(action)
      return false
    },
  })
  const to = '2030-01-02T00:00:00Z'
  const asked: [string, string, object | undefined][] = [
    ['POST', '/api/devices/d-1/token', { owner: 'acme', profile: 'gateway' }],
    ['POST', '/api/devices/d-1/token', { owner: '+' }],
    ['POST', '/api/devices/renewals', { to, owner: 'acme' }],
    ['POST', '/api/devices/renewals', { to }],
    ['GET', '/api/devices/renewals', undefined],
    ['DELETE', '/api/devices/renewals/x', undefined],
  ]
  for (const [method, path, body] of asked) expect((await listening.call(method, path, { body })).status).toBe(401)
  expect(heard).toEqual([
    { type: 'createToken', deviceId: 'd-1', owner: 'acme', profile: 'gateway' },
    { type: 'createToken', deviceId: 'd-1' },
    { type: 'scheduleRenewals', owner: 'acme' },
    { type: 'scheduleRenewals' },
    { type: 'scheduleRenewals' },
    { type: 'scheduleRenewals' },
  ])
  await listening.fleet.close()
})

test('a broker’s secret makes no token', async () => {
  for (const headers of [{}, asBroker]) {
    expect((await hub.call('POST', '/api/devices/d/token', { headers })).status).toBe(401)
    expect((await hub.call('GET', '/api/devices/renewals', { headers })).status).toBe(401)
  }
})
