import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await openTestHub()
  await hub.call('POST', `${certificates}/d`)
  hub.breakStore(true)
})
afterAll(() => hub.fleet.close())

test.each([
  ['POST', `${certificates}/other`],
  ['GET', `${certificates}/d`],
  ['DELETE', `${certificates}/d`],
  ['POST', `${certificates}/d/renew`],
  ['GET', certificates],
  ['POST', `${certificates}/validate/${'ab'.repeat(32)}`],
])('%s %s is 503 to be tried again, and keeps the reason inside', async (method, path) => {
  const before = hub.errors.length
  const reply = await hub.call(method, path)
  expect(reply.status).toBe(503)
  expect(reply.headers.get('retry-after')).toMatch(/^([5-9]|1\d|20)$/)
  expect(reply.json.error.code).toBe('ERR_PKI_STORE_UNAVAILABLE')
  expect(reply.text).not.toContain('secret-host')
  expect(hub.errors.slice(before)).toMatchObject([
    { code: 'ERR_PKI_STORE_UNAVAILABLE', details: { reason: /secret-host/ } },
  ])
})

test('health says so and no more', async () => {
  for (const path of ['/api/health', '/api/health/logging']) {
    const reply = await hub.call('GET', path, { headers: {} })
    expect(reply.status).toBe(503)
    expect(reply.json).toEqual({ status: 'unavailable', fleet: 'ready' })
  }
})

test('all is well again when the store is', async () => {
  hub.breakStore(false)
  expect((await hub.call('GET', '/api/health', { headers: {} })).json).toEqual({ status: 'ok', fleet: 'ready' })
  expect((await hub.call('GET', `${certificates}/d`)).json.isValid).toBe(true)
})

test('a closed fleet is 503, too', async () => {
  const closed = await openTestHub()
  await closed.fleet.close()
  const reply = await closed.call('POST', `${certificates}/d`)
  expect(reply.status).toBe(503)
  expect(reply.json.error.code).toBe('ERR_PKI_CLOSED')
  expect((await closed.call('GET', '/api/health')).status).toBe(503)
})

test('what fails and should not is ERR_PKI_INTERNAL, without a word of why', async () => {
  const broken = await openTestHub()
  const device = broken.fleet.device
  broken.fleet.device = () => Promise.reject(new Error('at /srv/app/secret.ts'))
  const reply = await broken.call('GET', `${certificates}/d`)
  expect(reply.status).toBe(500)
  expect(reply.json.error.code).toBe('ERR_PKI_INTERNAL')
  expect(reply.text).not.toContain('secret')
  expect(broken.errors).toMatchObject([{ message: 'at /srv/app/secret.ts' }])
  broken.fleet.device = device
  await broken.fleet.close()
})
