import type { HubAction, HubContext, HubOptions } from '@fleetcert/hub'
import { createHub, toNodeHandler } from '@fleetcert/hub'
import { describe, expect, test, vi } from 'vitest'
import { csrPem } from './support/csr.ts'
import { asBroker, asOperator, certificates, collect, openTestHub } from './support/test-hub.ts'

describe('options', () => {
  test.each<[string, Partial<Record<keyof HubOptions, unknown>>]>([
    ['fleet', { fleet: undefined }],
    ['auth', { auth: {} }],
    ['authorize', { authorize: undefined }],
    ['authorize', { authorize: true }],
    ['broker.url', { broker: { url: 'broker.example', mqttSecurePort: 8883 } }],
    ['broker.url', { broker: undefined }],
    ['broker.mqttSecurePort', { broker: { url: 'mqtts://b', mqttSecurePort: 0 } }],
    ['broker.mqttSecurePort', { broker: { url: 'mqtts://b', mqttSecurePort: '8883' } }],
    ['trustProxy', { trustProxy: ['proxy.example'] }],
    ['trustProxy', { trustProxy: ['10.0.0.0/33'] }],
    ['trustProxy', { trustProxy: '10.0.0.1' }],
    ['trustProxy: 0.0.0.0/0 is every address', { trustProxy: ['0.0.0.0/0'] }],
    ['trustProxy: ::/0 is every address', { trustProxy: ['::/0'] }],
    ['device.key', { device: { key: 'P-521' } }],
    ['device.labels', { device: { labels: { cacerts: {} } } }],
    ['device.labels', { device: { labels: { 'a/b': {} } } }],
    ['device.labels', { device: { labels: { a: { profile: 1 } } } }],
    ['device.labels', { device: { labels: { a: { key: 'x' } } } }],
    ['device.labels', { device: { labels: { a: undefined } } }],
    ['device.factory.enroll', { device: { factory: { trustAnchors: 'x' } } }],
    ['device.factory.trustAnchors', { device: { factory: { trustAnchors: [], enroll() {} } } }],
    ['there is no "trustproxy"', { trustproxy: ['10.0.0.1'] } as never],
    ['there is no "graceSeconds"', { device: { graceSeconds: 60 } }],
    ['serve', { serve: [] }],
    ['serve', { serve: ['operators'] }],
    ['serve: expected', { serve: 'device' }],
    ['drain', { drain: {} as never }],
    ['dialect', { dialect: 'emqx6' }],
    ['bodyKeys', { emqxBodyKeys: { nope: 'x' } }],
  ])('%s', async (label, wrong) => {
    const { fleet } = await openTestHub()
    const right = {
      fleet,
      auth: { authenticate() {}, authorize() {} },
      authorize: () => false,
      broker: { url: 'mqtts://b', mqttSecurePort: 1 },
    }
    const make = (): unknown => createHub({ ...right, ...wrong } as unknown as HubOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(label)
    await fleet.close()
  })

  test.each([
    { renewalGraceSeconds: -1 },
    { renewalGraceSeconds: 1.5 },
    { maximumConcurrent: 0 },
    { renewalInfoSeconds: 0 },
  ])('device: %o is out of range', async device => {
    await expect(openTestHub({ device })).rejects.toThrow(RangeError)
  })

  test('toNodeHandler takes a hub', () => {
    expect(() => toNodeHandler(undefined as never)).toThrow(TypeError)
  })
})

describe('serve', () => {
  const probes = {
    operator: ['GET', certificates],
    device: ['GET', '/.well-known/est/csrattrs'],
    broker: ['PUT', `${certificates}/authorize`],
    public: ['GET', '/api/health'],
  } as const

  test.each(['operator', 'device', 'broker', 'public'] as const)('%s alone', async group => {
    const hub = await openTestHub({ serve: [group] })
    for (const [name, [method, path]] of Object.entries(probes)) {
      const headers = asOperator
      const { status } = await hub.hub(new Request(`https://hub.example${path}`, { method, headers }))
      if (name === group) expect(status).toBe(200)
      else expect(status).toBeGreaterThanOrEqual(400)
    }
    await hub.fleet.close()
  })

  test('without the broker, its words are no device ids', async () => {
    const hub = await openTestHub({ serve: ['operator'] })
    expect((await hub.call('POST', `${certificates}/validate`)).json.error.code).toBe('ERR_PKI_DEVICE_ID')
    await hub.fleet.close()
  })
})

describe('authorize', () => {
  test('hears what is asked for, in legal form, with the request and its body', async () => {
    const heard: { action: HubAction; url: string; body: string; context: HubContext }[] = []
    const hub = await openTestHub({
      authorize: async (request, action, context) => {
        heard.push({ action, url: request.url, body: await request.text(), context })
        return true
      },
    })
    const csr = await csrPem()
    await hub.call('POST', `${certificates}/d%3A1`, { body: { csr, owner: 'alice' } })
    await hub.call('POST', `${certificates}/d:1/renew`)
    await hub.call('GET', `${certificates}/d:1`)
    await hub.call('DELETE', `${certificates}/d:1`)
    await hub.call('GET', `${certificates}?owner=alice`)
    await hub.call('GET', certificates)
    await hub.call('POST', `${certificates}/validate/${'ab'.repeat(32)}`)
    expect(heard.map(({ action }) => action)).toEqual([
      { type: 'enroll', deviceId: 'd:1', owner: 'alice' },
      { type: 'renew', deviceId: 'd:1' },
      { type: 'read', deviceId: 'd:1' },
      { type: 'revoke', deviceId: 'd:1' },
      { type: 'list', owner: 'alice' },
      { type: 'list' },
      { type: 'read' },
    ])
    expect(heard[0]).toMatchObject({
      url: `http://hub.example${certificates}/d%3A1`,
      body: JSON.stringify({ csr, owner: 'alice' }),
    })
    expect(heard[0]!.context).toEqual({ encrypted: false })
    await hub.fleet.close()
  })

  test('never hears of what is malformed', async () => {
    const heard: HubAction[] = []
    const hub = await openTestHub({
      authorize: (_request, action) => {
        heard.push(action)
        return true
      },
    })
    expect((await hub.call('POST', `${certificates}/%2B`, { body: { owner: 'alice' } })).status).toBe(400)
    expect((await hub.call('POST', `${certificates}/d`, { body: { owner: '+' } })).status).toBe(400)
    expect((await hub.call('POST', `${certificates}/d`, { body: '{' })).status).toBe(400)
    expect(heard).toEqual([{ type: 'enroll' }, { type: 'enroll', deviceId: 'd' }, { type: 'enroll', deviceId: 'd' }])
    await hub.fleet.close()
  })

  test.each([false, undefined, null, 0, 1, 'true', {}, Promise.resolve('yes')])('%j refuses', async verdict => {
    const hub = await openTestHub({ authorize: () => verdict as boolean })
    const { status, json } = await hub.call('POST', `${certificates}/d`)
    expect(status).toBe(401)
    expect(json.error.code).toBe('ERR_PKI_FORBIDDEN')
    expect(await hub.fleet.device('d')).toBeUndefined()
    await hub.fleet.close()
  })

  test.each([
    [
      'a throw',
      () => {
        throw new Error('down')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('down'))],
  ])('%s refuses, and is reported', async (_name, authorize) => {
    const hub = await openTestHub({ authorize })
    const reply = await hub.call('GET', certificates)
    expect(reply.status).toBe(401)
    expect(reply.text).not.toContain('down')
    expect(hub.errors).toMatchObject([{ message: 'down' }])
    await hub.fleet.close()
  })

  test('is asked before everything but health, CA certificate, CRL and CA files', async () => {
    const hub = await openTestHub({ authorize: () => false })
    const [issuer] = await collect(hub.fleet.issuers())
    const name = issuer!.issuerKeyId.slice(0, 16)
    for (const path of [
      '/api/health',
      '/api/health/logging',
      `${certificates}/ca/certificate`,
      `/crl/${name}-0.crl`,
      `/crl/${name}-0.pem`,
      `/ca/${name}.cer`,
    ]) {
      expect((await hub.call('GET', path)).status).toBe(200)
    }
    expect((await hub.call('GET', certificates)).status).toBe(401)
    await hub.fleet.close()
  })
})

describe('onError and onDeny', () => {
  test('failures of the listeners change no answer', async () => {
    const fail = (): never => {
      throw new Error('logger is down')
    }
    const hub = await openTestHub({ onError: fail, onDeny: fail })
    hub.breakStore(true)
    expect((await hub.call('GET', certificates)).status).toBe(503)
    const reply = await hub.call('POST', `${certificates}/validate`, { headers: asBroker, body: {} })
    expect(reply).toMatchObject({ status: 200, text: '{"result":"deny"}' })
    await hub.fleet.close()
  })

  test('onError hears method and path; without it the console does', async () => {
    const onError = vi.fn()
    const hub = await openTestHub({ onError })
    hub.breakStore(true)
    await hub.call('GET', `${certificates}?limit=1`)
    expect(onError.mock.calls).toMatchObject([
      [{ code: 'ERR_PKI_STORE_UNAVAILABLE' }, { method: 'GET', path: certificates }],
    ])
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { onError: _, ...options } = { onError, fleet: hub.fleet }
    const silent = createHub({
      ...options,
      auth: {
        authenticate: async () => ({ result: 'deny', reason: 'revoked' }),
        authorize: async () => ({ result: 'deny', reason: 'revoked' }),
      },
      authorize: () => true,
      broker: { url: 'mqtts://b', mqttSecurePort: 8883 },
    })
    await silent(new Request(`http://hub.example${certificates}`, { headers: asOperator }))
    expect(log).toHaveBeenCalledOnce()
    log.mockRestore()
    await hub.fleet.close()
  })
})

test('the Web face leaves the caller its Request, and refuses one that was read before', async () => {
  const hub = await openTestHub()
  const request = (): Request =>
    new Request(`http://hub.example${certificates}/web`, {
      method: 'POST',
      headers: { ...asOperator, 'content-type': 'application/json' },
      body: '{"owner":"alice"}',
    })
  const sent = request()
  expect((await hub.hub(sent)).status).toBe(201)
  expect(await sent.text()).toBe('{"owner":"alice"}')
  const read = request()
  await read.text()
  expect((await hub.hub(read)).status).toBe(500)
  expect(hub.errors).toMatchObject([{ message: expect.stringContaining('was read before') }])
  await hub.fleet.close()
})
