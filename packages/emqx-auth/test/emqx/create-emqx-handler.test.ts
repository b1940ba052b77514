import { describe, expect, it, vi } from 'vitest'
import { createBrokerAuth } from '../../src/broker-auth.ts'
import type { Denial } from '../../src/deny-reason.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
import { fakeDer, stubFleet } from '../support/stub-fleet.ts'

const der = fakeDer('d1')
const clock = (): Date => new Date('2026-06-01T00:00:00Z')
const auth = createBrokerAuth({ fleet: stubFleet([{ deviceId: 'd1', der }]), clock })
const connect = JSON.stringify({ clientid: 'd1', cert_pem: Buffer.from(der).toString('base64') })
const topic = JSON.stringify({ clientid: 'd1', cert_common_name: 'd1', action: 'publish', topic: 'devices/d1/x' })

function setUp(options: object = {}) {
  const denials: Denial[] = []
  const handler = createEmqxHandler(auth, {
    dialect: 'emqx5',
    authorizeCaller: request => request.headers.get('x-secret') === 's3cret',
    onDeny: denial => denials.push(denial),
    ...options,
  })
  const post = async (path: string, body: RequestInit['body'], init: RequestInit = {}): Promise<string> => {
    const headers = { 'content-type': 'application/json', 'x-secret': 's3cret' }
    const response = await handler(
      new Request(`http://hub${path}`, { method: 'POST', headers, body, duplex: 'half', ...init } as RequestInit),
    )
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    return ((await response.json()) as { result: string }).result
  }
  return { handler, post, denials }
}

describe('routes', () => {
  it('are the ends of the path', async () => {
    const { post } = setUp()
    expect(await post('/api/devices/certificates/validate', connect)).toBe('allow')
    expect(await post('/validate?x=/authorize', connect)).toBe('allow')
    expect(await post('/api/devices/certificates/authorize', topic)).toBe('allow')
    const topicAndMore = topic.replace('{', '{"cert_pem":"",')
    expect(await post('/validate', topicAndMore)).toBe('deny')
    expect(await post('/authorize', connect.replace('{', '{"action":"",'))).toBe('deny')
  })
  it.each(['/', '/validate/', '/xvalidate', '/validate/AA', '/Validate', '/validate%2f'])(
    'answer nothing at %s',
    async path => {
      const { post, denials } = setUp()
      expect(await post(path, connect)).toBe('deny')
      expect(denials).toEqual([{ reason: 'unknownRoute', action: 'request' }])
    },
  )
  it('can be chosen', async () => {
    const { post } = setUp({ routes: { authenticate: '/mqtt/auth', authorize: '/mqtt/acl' } })
    expect(await post('/mqtt/auth', connect)).toBe('allow')
    expect(await post('/mqtt/acl', topic)).toBe('allow')
    expect(await post('/validate', connect)).toBe('deny')
  })
  it.each([
    [{ authenticate: 'x', authorize: '/y' }],
    [{ authenticate: '/', authorize: '/y' }],
    [{ authenticate: '/x', authorize: '/x' }],
    [{ authenticate: '/a/x', authorize: '/x' }],
    [{ authenticate: '/x' }],
  ])('%j is a mistake', routes => {
    expect(() =>
      createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: () => true, routes: routes as never }),
    ).toThrow(TypeError)
  })
})

describe('the caller', () => {
  it.each([
    ['a falsy answer', () => undefined],
    ['a truthy answer', () => 'yes'],
    ['one', () => 1],
    ['a promise of false', async () => false],
    [
      'a throw',
      () => {
        throw new Error('no')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('no'))],
  ])('is refused by %s', async (_, authorizeCaller) => {
    const { post, denials } = setUp({ authorizeCaller })
    expect(await post('/validate', connect)).toBe('deny')
    expect(denials).toEqual([{ reason: 'callerRefused', action: 'request' }])
  })
  it('is let in by true alone, also a promised one', async () => {
    expect(await setUp({ authorizeCaller: async () => true }).post('/validate', connect)).toBe('allow')
  })
  it('must be checked by a function', () => {
    for (const authorizeCaller of [undefined, true]) {
      expect(() => createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: authorizeCaller as never })).toThrow(
        TypeError,
      )
    }
    expect(() => createEmqxHandler(auth, { dialect: 'emqx6' as never, authorizeCaller: () => true })).toThrow(TypeError)
  })
  it('must not be asked with the body: a body that is gone is a deny', async () => {
    const { post } = setUp({ authorizeCaller: async (request: Request) => (await request.text()) !== '' })
    expect(await post('/validate', connect)).toBe('deny')
  })
})

describe('bodies', () => {
  it('are posted', async () => {
    const { handler } = setUp()
    const headers = { 'x-secret': 's3cret' }
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await handler(new Request('http://hub/validate?clientid=d1', { method, headers }))
      expect(await response.json()).toEqual({ result: 'deny' })
    }
  })
  it('that lack are a deny', async () => {
    const { handler } = setUp()
    const response = await handler(
      new Request('http://hub/validate', {
        method: 'POST',
        headers: { 'x-secret': 's3cret', 'content-type': 'application/json' },
      }),
    )
    expect(await response.json()).toEqual({ result: 'deny' })
  })
  it('that say they are too large are not read', async () => {
    const { post } = setUp()
    const pull = vi.fn()
    const body = new ReadableStream({ pull }, { highWaterMark: 0 })
    const headers = { 'content-type': 'application/json', 'x-secret': 's3cret', 'content-length': '65537' }
    expect(await post('/validate', body, { headers })).toBe('deny')
    expect(pull).not.toHaveBeenCalled()
  })
  it('that turn out too large are given up', async () => {
    const { post } = setUp()
    let octets = 0
    let isCancelled = false
    const body = new ReadableStream({
      pull(controller) {
        octets += 10_000
        controller.enqueue(new Uint8Array(10_000))
      },
      cancel() {
        isCancelled = true
      },
    })
    expect(await post('/validate', body)).toBe('deny')
    expect(isCancelled).toBe(true)
    expect(octets).toBeLessThan(100_000)
  })
  it('that break off are a deny', async () => {
    const { post } = setUp()
    const body = new ReadableStream({ pull: controller => controller.error(new Error('gone')) })
    expect(await post('/validate', body)).toBe('deny')
  })
  it('that come in pieces are read', async () => {
    const { post } = setUp()
    const body = new ReadableStream({
      start(controller) {
        for (const octet of Buffer.from(connect)) controller.enqueue(new Uint8Array([octet]))
        controller.close()
      },
    })
    expect(await post('/validate', body)).toBe('allow')
  })
  it.each([
    ['a body that never ends', {}, () => new ReadableStream({ start() {} })],
    ['a check that never answers', { authorizeCaller: () => new Promise(() => {}) }, () => connect],
  ])('wait no longer than the deadline for %s', async (_, options, body) => {
    const { post, denials } = setUp({ deadlineSeconds: 0.05, ...options })
    expect(await post('/validate', body())).toBe('deny')
    expect(denials).toEqual([{ reason: 'deadlineExceeded', action: 'request' }])
  })
})
