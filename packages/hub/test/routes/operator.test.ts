import { X509Certificate } from 'node:crypto'
import type { Enforcer } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { csrPem } from '../support/csr.ts'
import { asBroker, certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await openTestHub()
})
afterAll(() => hub.fleet.close())

const certificatesOf = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter(text => text !== '')
    .map(text => new X509Certificate(text))

describe('enrol', () => {
  test('without a body makes a key and answers it once, never to be cached', async () => {
    const { status, json, headers } = await hub.call('POST', `${certificates}/sensor-1`)
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(Object.keys(json).sort()).toEqual([
      'brokerUrl',
      'caCert',
      'clientCert',
      'clientKey',
      'deviceId',
      'fingerprint',
      'mqttSecurePort',
      'notAfter',
      'serialNumber',
    ])
    expect(json).toMatchObject({ deviceId: 'sensor-1', brokerUrl: 'mqtts://broker.example:8883', mqttSecurePort: 8883 })
    expect(json.clientKey).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    const [endEntity, issuingCa, ...rest] = certificatesOf(json.clientCert)
    expect(rest).toEqual([])
    expect(endEntity!.subject).toContain('CN=sensor-1')
    expect(endEntity!.fingerprint256).toBe(json.fingerprint)
    expect(endEntity!.verify(issuingCa!.publicKey)).toBe(true)
    const [caFirst, root] = certificatesOf(json.caCert)
    expect(caFirst!.fingerprint256).toBe(issuingCa!.fingerprint256)
    expect(root!.verify(root!.publicKey)).toBe(true)
    expect(await hub.fleet.identify({ fingerprint: json.fingerprint })).toMatchObject({ status: 'active' })
  })

  test('with a CSR answers no key, and takes owner and validity', async () => {
    const body = { csr: await csrPem(), owner: 'alice', validityDays: 30 }
    const { status, json } = await hub.call('POST', `${certificates}/sensor-2`, { body })
    expect(status).toBe(201)
    expect(json).not.toHaveProperty('clientKey')
    const device = await hub.fleet.device('sensor-2')
    expect(device).toMatchObject({ owner: 'alice', role: 'device' })
    const days = (device!.notAfter.getTime() - device!.createdAt.getTime()) / 86_400_000
    expect(days).toBeGreaterThan(29.9)
    expect(days).toBeLessThan(30.1)
    expect(json.notAfter).toBe(device!.notAfter.toISOString())
  })

  test('a second time is a conflict', async () => {
    await hub.call('POST', `${certificates}/sensor-3`)
    const { status, json } = await hub.call('POST', `${certificates}/sensor-3`)
    expect(status).toBe(409)
    expect(json.error.code).toBe('ERR_PKI_DEVICE_EXISTS')
  })

  test('after a revocation works again', async () => {
    await hub.call('POST', `${certificates}/sensor-4`)
    await hub.call('DELETE', `${certificates}/sensor-4`)
    expect((await hub.call('POST', `${certificates}/sensor-4`)).status).toBe(201)
  })
})

describe('read', () => {
  test('shows a device', async () => {
    const enrolled = await hub.call('POST', `${certificates}/reader`, { body: { owner: 'bob' } })
    const { status, json, headers } = await hub.call('GET', `${certificates}/reader`)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(json).toEqual({
      id: 'reader',
      role: 'device',
      owner: 'bob',
      status: 'active',
      isValid: true,
      fingerprint: enrolled.json.fingerprint,
      serialNumber: enrolled.json.serialNumber,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      notBefore: expect.stringMatching(/Z$/),
      notAfter: enrolled.json.notAfter,
    })
  })

  test('an unknown device is 404', async () => {
    const { status, json } = await hub.call('GET', `${certificates}/nobody`)
    expect(status).toBe(404)
    expect(json.error.code).toBe('ERR_PKI_DEVICE_UNKNOWN')
  })

  test('decodes an id once', async () => {
    await hub.call('POST', `${certificates}/a%3Ab`)
    expect((await hub.call('GET', `${certificates}/a:b`)).json.id).toBe('a:b')
    expect((await hub.call('GET', `${certificates}/a%3ab`)).json.id).toBe('a:b')
    expect((await hub.call('GET', `${certificates}/a%253Ab`)).json.error.code).toBe('ERR_PKI_DEVICE_ID')
  })
})

describe('renew', () => {
  test('answers a new certificate beside the old one', async () => {
    const old = (await hub.call('POST', `${certificates}/renewed`, { body: { owner: 'carol' } })).json
    const body = { csr: await csrPem(), validityDays: 10, overlapSeconds: 3600 }
    const { status, json } = await hub.call('POST', `${certificates}/renewed/renew`, { body })
    expect(status).toBe(201)
    expect(json.fingerprint).not.toBe(old.fingerprint)
    expect(json).not.toHaveProperty('clientKey')
    for (const { fingerprint } of [old, json]) {
      expect(await hub.fleet.identify({ fingerprint })).toMatchObject({ status: 'active', device: { owner: 'carol' } })
    }
  })

  test('without overlap ends the old one', async () => {
    const old = (await hub.call('POST', `${certificates}/renewed-2`)).json
    const { json } = await hub.call('POST', `${certificates}/renewed-2/renew`, { body: { overlapSeconds: 0 } })
    expect(json.clientKey).toContain('PRIVATE KEY')
    expect(await hub.fleet.identify({ fingerprint: old.fingerprint })).toMatchObject({ status: 'superseded' })
  })

  test('of an unknown device is 404, of a revoked one 409', async () => {
    expect((await hub.call('POST', `${certificates}/nobody/renew`)).json.error.code).toBe('ERR_PKI_DEVICE_UNKNOWN')
    await hub.call('POST', `${certificates}/gone`)
    await hub.call('DELETE', `${certificates}/gone`)
    const { status, json } = await hub.call('POST', `${certificates}/gone/renew`)
    expect(status).toBe(409)
    expect(json.error.code).toBe('ERR_PKI_DEVICE_NOT_ACTIVE')
  })
})

describe('revoke', () => {
  test('answers when it is durable, and says that there is no enforcer', async () => {
    const { json: enrolled } = await hub.call('POST', `${certificates}/thief`)
    const body = { reason: 'keyCompromise' }
    const { status, json } = await hub.call('DELETE', `${certificates}/thief`, { body })
    expect(status).toBe(200)
    expect(json).toEqual({
      message: expect.stringContaining('no enforcer'),
      deviceId: 'thief',
      revokedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      reason: 'keyCompromise',
      enforced: { confirmed: [], pending: [], failed: [] },
    })
    expect(await hub.fleet.identify({ fingerprint: enrolled.fingerprint })).toMatchObject({ status: 'revoked' })
    const read = await hub.call('GET', `${certificates}/thief`)
    expect(read.json).toMatchObject({ status: 'revoked', isValid: false, reason: 'keyCompromise' })
    expect(read.json.revokedAt).toBe(json.revokedAt)
  })

  test('a second time answers the first revocation', async () => {
    await hub.call('POST', `${certificates}/twice`)
    const first = await hub.call('DELETE', `${certificates}/twice`, { body: { reason: 'cessationOfOperation' } })
    const second = await hub.call('DELETE', `${certificates}/twice`)
    expect(second.status).toBe(200)
    expect(second.json.revokedAt).toBe(first.json.revokedAt)
    expect(second.json.reason).toBe('cessationOfOperation')
  })

  test('of an unknown device is 404', async () => {
    const { status, json } = await hub.call('DELETE', `${certificates}/nobody`)
    expect(status).toBe(404)
    expect(json.error.code).toBe('ERR_PKI_DEVICE_UNKNOWN')
  })

  test('a reason that is none is refused and revokes nothing', async () => {
    await hub.call('POST', `${certificates}/kept`)
    for (const reason of ['stolen', 'removeFromCRL', 'KeyCompromise', 1, null]) {
      const { status, json } = await hub.call('DELETE', `${certificates}/kept`, { body: { reason } })
      expect(status).toBe(400)
      expect(json.error.code).toBe('ERR_PKI_REQUEST')
      expect(json.error.message).toContain('reason: expected one of unspecified, keyCompromise')
    }
    expect(await hub.fleet.device('kept')).toMatchObject({ status: 'active' })
  })

  test('does not wait for an enforcer, and names those that are done already', async () => {
    const never: Enforcer = { name: 'slow', silence: () => new Promise(() => {}) }
    const quick: Enforcer = { name: 'quick', silence: async () => 'gone' }
    const broken: Enforcer = { name: 'broken', silence: () => Promise.reject(new Error('broker password: hunter2')) }
    const slow = await openTestHub({ open: { enforcers: [never] } })
    await slow.call('POST', `${certificates}/d1`)
    const pending = await slow.call('DELETE', `${certificates}/d1`)
    expect(pending.status).toBe(200)
    expect(pending.json).not.toHaveProperty('enforced')
    expect(pending.json.message).toContain('are being closed')
    await slow.fleet.close()

    const done = await openTestHub({ open: { enforcers: [quick, broken] } })
    await done.call('POST', `${certificates}/d1`)
    const reply = await done.call('DELETE', `${certificates}/d1`)
    expect(reply.json.enforced).toEqual({ confirmed: ['quick'], pending: [], failed: ['broken'] })
    expect(reply.text).not.toContain('hunter2')
    await done.fleet.close()
  })
})

describe('validate a fingerprint', () => {
  test('answers whether it may in, whatever its spelling', async () => {
    const { fingerprint } = (await hub.call('POST', `${certificates}/fp`)).json
    for (const spelling of [
      fingerprint,
      fingerprint.toLowerCase(),
      fingerprint.replaceAll(':', ''),
      encodeURIComponent(fingerprint),
    ]) {
      const { status, json } = await hub.call('POST', `${certificates}/validate/${spelling}`)
      expect(status).toBe(200)
      expect(json).toEqual({ valid: true, fingerprint })
    }
    await hub.call('DELETE', `${certificates}/fp`)
    expect((await hub.call('POST', `${certificates}/validate/${fingerprint}`)).json.valid).toBe(false)
  })

  test('an unknown one is not valid, a malformed one is refused', async () => {
    const unknown = Array.from({ length: 32 }, () => 'AB').join(':')
    expect((await hub.call('POST', `${certificates}/validate/${unknown}`)).json).toEqual({
      valid: false,
      fingerprint: unknown,
    })
    for (const malformed of ['AB', 'renew', unknown.slice(1), `${unknown}:AB`, unknown.replace('A', 'G')]) {
      const { status, json } = await hub.call('POST', `${certificates}/validate/${malformed}`)
      expect(status).toBe(400)
      expect(json.error.code).toBe('ERR_PKI_FINGERPRINT')
    }
  })
})

describe('list', () => {
  test('pages by device id, and filters by owner and status', async () => {
    const listed = await openTestHub()
    for (const [id, owner] of [
      ['a', 'alice'],
      ['b', 'bob'],
      ['c', 'alice'],
      ['d', 'alice'],
    ] as const) {
      await listed.call('POST', `${certificates}/${id}`, { body: { owner } })
    }
    await listed.call('DELETE', `${certificates}/c`)
    const ids = async (query: string): Promise<{ ids: string[]; next?: string }> => {
      const { status, json } = await listed.call('GET', `${certificates}${query}`)
      expect(status).toBe(200)
      return { ids: json.devices.map((device: { id: string }) => device.id), next: json.next }
    }
    expect(await ids('')).toEqual({ ids: ['a', 'b', 'c', 'd'] })
    expect(await ids('?limit=3')).toEqual({ ids: ['a', 'b', 'c'], next: 'c' })
    expect(await ids('?limit=3&after=c')).toEqual({ ids: ['d'] })
    expect(await ids('?limit=4')).toEqual({ ids: ['a', 'b', 'c', 'd'] })
    expect(await ids('?owner=alice')).toEqual({ ids: ['a', 'c', 'd'] })
    expect(await ids('?owner=alice&status=active&limit=1')).toEqual({ ids: ['a'], next: 'a' })
    expect(await ids('?owner=alice&status=active&limit=1&after=a')).toEqual({ ids: ['d'] })
    expect(await ids('?status=revoked')).toEqual({ ids: ['c'] })
    await listed.fleet.close()
  })

  test.each([
    ['?limit=0', 'limit: expected an integer from 1 to 1000'],
    ['?limit=1001', 'limit'],
    ['?limit=1e2', 'limit'],
    ['?limit=', 'limit'],
    ['?limit=1&limit=2', 'limit: given twice'],
    ['?status=dead', 'status: expected one of active'],
    ['?Owner=alice', 'unknown field Owner'],
    ['?page=2', 'unknown field page: expected limit, after, owner, status'],
    ['?%00=2', 'unknown field: expected'],
  ])('refuses %s', async (query, reason) => {
    const { status, json } = await hub.call('GET', `${certificates}${query}`)
    expect(status).toBe(400)
    expect(json.error.code).toBe('ERR_PKI_REQUEST')
    expect(json.error.message).toContain(reason)
  })

  test.each(['?owner=%2B', '?after=../x', '?owner='])('refuses %s as an identifier', async query => {
    expect((await hub.call('GET', `${certificates}${query}`)).json.error.code).toBe('ERR_PKI_DEVICE_ID')
  })
})

describe('callers', () => {
  const requests: [string, string][] = [
    ['POST', '/d'],
    ['GET', '/d'],
    ['HEAD', '/d'],
    ['DELETE', '/d'],
    ['POST', '/d/renew'],
    ['POST', '/validate/AB'],
    ['GET', ''],
  ]

  test.each(requests)(
    '%s %s without a token, with a wrong one, or with the broker secret is 401',
    async (method, path) => {
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'operator-token' }, asBroker]) {
        const reply = await hub.call(method, `${certificates}${path}`, { headers })
        expect(reply.status).toBe(401)
        expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer/)
        if (method !== 'HEAD') expect(reply.json.error.code).toBe('ERR_PKI_FORBIDDEN')
      }
    },
  )

  test('who may not do a thing is not told what else is wrong', async () => {
    for (const [method, path, body] of [
      ['POST', '/d', 'not json'],
      ['POST', '/+', undefined],
      ['POST', '/d', { owner: '+' }],
      ['POST', '/d', 'x'.repeat(70_000)],
      ['GET', '?limit=0', undefined],
    ] as const) {
      const reply = await hub.call(method, `${certificates}${path}`, { headers: {}, ...(body && { body }) })
      expect(reply.status).toBe(401)
    }
    expect(await hub.fleet.device('d')).toBeUndefined()
  })
})
