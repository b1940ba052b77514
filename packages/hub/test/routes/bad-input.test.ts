import { encodePem } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { csrDer, csrPem } from '../support/csr.ts'
import { asOperator, certificates, collect, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await openTestHub()
})
afterAll(async () => {
  // Whatever was refused here left nothing behind.
  expect((await hub.call('GET', certificates)).json.devices).toEqual([])
  expect(await collect(hub.fleet.pending())).toEqual([])
  expect(hub.errors).toEqual([])
  await hub.fleet.close()
})

const enrol = (body: unknown, headers: Record<string, string> = {}) =>
  hub.call('POST', `${certificates}/device-1`, { body, headers: { ...asOperator, ...headers } })

describe('certification requests', () => {
  test('not PEM', async () => {
    for (const csr of ['x', '-----BEGIN CERTIFICATE REQUEST-----\n', Buffer.from(await csrDer()).toString('base64')]) {
      const { status, json } = await enrol({ csr })
      expect(status).toBe(400)
      expect(json.error.code).toMatch(/^ERR_PKI_(PEM|CSR)$/)
    }
  })

  test('PEM of something else', async () => {
    const { status, json } = await enrol({ csr: encodePem('CERTIFICATE', await csrDer()) })
    expect(status).toBe(400)
    expect(json.error.code).toMatch(/^ERR_PKI_(PEM|CSR)$/)
  })

  test('malformed inside', async () => {
    const der = await csrDer()
    for (const bytes of [
      der.subarray(0, -1),
      new Uint8Array([...der, 0]),
      new Uint8Array([0x30, 0]),
      new Uint8Array(32),
    ]) {
      const { status, json } = await enrol({ csr: encodePem('CERTIFICATE REQUEST', bytes) })
      expect(status).toBe(400)
      expect(json.error.code).toMatch(/^ERR_PKI_(DER|CSR)$/)
    }
  })

  test('longer than 16 KiB', async () => {
    const { status, json } = await enrol({ csr: encodePem('CERTIFICATE REQUEST', new Uint8Array(17_000)) })
    expect(status).toBe(413)
    expect(json.error.code).toBe('ERR_PKI_TOO_LARGE')
  })

  test('signed by another key', async () => {
    const der = new Uint8Array(await csrDer())
    der[der.length - 1]! ^= 1
    const { status, json } = await enrol({ csr: encodePem('CERTIFICATE REQUEST', der) })
    expect(status).toBe(400)
    expect(json.error.code).toBe('ERR_PKI_CSR_SIGNATURE')
  })

  test('a weak key', async () => {
    const { status, json } = await enrol({ csr: await csrPem('RSA-1024') })
    expect(status).toBe(422)
    expect(json.error.code).toBe('ERR_PKI_KEY_POLICY')
  })

  test('for a renewal, too', async () => {
    const renewed = await openTestHub()
    await renewed.call('POST', `${certificates}/d`)
    const reply = await renewed.call('POST', `${certificates}/d/renew`, { body: { csr: await csrPem('RSA-1024') } })
    expect(reply.json.error.code).toBe('ERR_PKI_KEY_POLICY')
    await renewed.fleet.close()
  })

  test('a key that was revoked for keyCompromise', async () => {
    const other = await openTestHub()
    const csr = await csrPem()
    await other.call('POST', `${certificates}/d`, { body: { csr } })
    await other.call('DELETE', `${certificates}/d`, { body: { reason: 'keyCompromise' } })
    const { status, json } = await other.call('POST', `${certificates}/d`, { body: { csr } })
    expect(status).toBe(422)
    expect(json.error.code).toBe('ERR_PKI_KEY_BLOCKED')
    await other.fleet.close()
  })
})

describe('identifiers', () => {
  test.each([
    '+',
    '%2B',
    '%23',
    'a%2Fb',
    'a%252Fb',
    'a%5Cb',
    '%24SYS',
    'a%20b',
    'a%00',
    'a%0A',
    '%C3%A9',
    '-a',
    '.a',
    '%2E%2E%2Fx',
    'a%',
    '%zz',
    '%E0%A4%A',
    'ca',
    'x'.repeat(65),
    "a'b",
    'a;b',
  ])('device id %s', async id => {
    for (const [method, path] of [
      ['POST', id],
      ['GET', id],
      ['DELETE', id],
      ['POST', `${id}/renew`],
    ] as const) {
      const { status, json } = await hub.call(method, `${certificates}/${path}`)
      expect(status).toBe(400)
      expect(json.error.code).toBe('ERR_PKI_DEVICE_ID')
    }
  })

  test('a reserved word is none, however it is spelt', async () => {
    for (const id of ['%76alidate', '%61uthorize', 'c%61']) {
      expect((await hub.call('POST', `${certificates}/${id}`)).json.error.code).toBe('ERR_PKI_DEVICE_ID')
    }
  })

  test.each(['+', '#', 'a/b', '', '$share', 'a b', 'validate', 'x'.repeat(65), '../a', 'a\u0000'])(
    'owner %j',
    async owner => {
      const { status, json } = await enrol({ owner })
      expect(status).toBe(400)
      expect(json.error.code).toBe('ERR_PKI_DEVICE_ID')
    },
  )
})

describe('bodies', () => {
  test.each([
    ['csr', 1],
    ['csr', null],
    ['csr', ''],
    ['csr', ['x']],
    ['owner', 1],
    ['owner', {}],
    ['validityDays', '30'],
    ['validityDays', 0],
    ['validityDays', 3651],
    ['validityDays', 1.5],
    ['validityDays', -1],
    ['validityDays', true],
  ])('%s: %j names the field', async (field, value) => {
    const { status, json } = await enrol({ [field]: value })
    expect(status).toBe(400)
    expect(json.error.code).toBe('ERR_PKI_REQUEST')
    expect(json.error.message).toContain(`${field}: expected`)
  })

  test.each([
    ['validtyDays', 'unknown field validtyDays: expected csr, owner, validityDays'],
    ['role', 'unknown field role'],
    ['attributes', 'unknown field attributes'],
    ['constructor', 'unknown field constructor'],
    ['__proto__', 'unknown field __proto__'],
    ['<script>', 'unknown field: expected'],
  ])('an unknown field %s is refused', async (field, message) => {
    const { status, json } = await enrol(`{${JSON.stringify(field)}: "x"}`, { 'content-type': 'application/json' })
    expect(status).toBe(400)
    expect(json.error.code).toBe('ERR_PKI_REQUEST')
    expect(json.error.message).toContain(message)
  })

  test.each(['[]', '[{}]', 'null', '"x"', '1', 'true', '{', '{"a":}', 'csr=x', '\u0000', '['.repeat(30_000)])(
    'that is not a JSON object: %j',
    async body => {
      const { status, json } = await enrol(body, { 'content-type': 'application/json' })
      expect(status).toBe(400)
      expect(json.error.code).toBe('ERR_PKI_REQUEST')
    },
  )

  test('that is not UTF-8', async () => {
    const body = Buffer.from('{"owner":"\xff"}', 'latin1')
    expect((await enrol(body, { 'content-type': 'application/json' })).json.error.code).toBe('ERR_PKI_REQUEST')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'multipart/form-data', ''])(
    'of type %j',
    async type => {
      const { status, json } = await enrol('{}', { 'content-type': type })
      expect(status).toBe(400)
      expect(json.error.message).toContain('content-type')
    },
  )

  test('under a content coding', async () => {
    const { status, json } = await enrol('{}', { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    expect(status).toBe(400)
    expect(json.error.message).toContain('content-encoding')
  })

  test('of more than 64 KiB, announced or not', async () => {
    const body = `{"csr":"${'x'.repeat(64 * 1024)}"}`
    for (const headers of [{}, { 'content-length': String(body.length) }]) {
      const { status, json } = await enrol(body, { 'content-type': 'application/json', ...headers })
      expect(status).toBe(413)
      expect(json.error.code).toBe('ERR_PKI_TOO_LARGE')
    }
  })

  test('where none is expected', async () => {
    const { status, json } = await hub.call('GET', certificates)
    expect(status).toBe(200)
    expect(json.devices).toEqual([])
    const reply = await hub.call('POST', `${certificates}/validate/${'ab'.repeat(32)}`, { body: { fingerprint: 'x' } })
    expect(reply.json.error.message).toContain('unknown field fingerprint: none is expected')
  })

  test('a query where none is expected', async () => {
    const { status, json } = await hub.call('POST', `${certificates}/device-1?owner=alice`)
    expect(status).toBe(400)
    expect(json.error.message).toContain('unknown field owner: none is expected')
  })
})

describe('addresses', () => {
  test.each([
    '/',
    '/api',
    '/api/',
    '/api/health/',
    '/API/health',
    '/api/devices/certificates/',
    '/api/devices/certificates/x/',
    '/api/devices/certificates/x/renew/',
    '/api/devices/certificates/x/Renew',
    '/api/devices/certificates//renew',
    '/api//devices/certificates',
    '/api/devices%2Fcertificates',
    '/api/devices/Certificates',
    '/api/devices/certificates/validate/',
    '/api/devices/certificates/a/b/c',
    '/x/api/health',
    '/crl',
    '/crl/',
    '/ca/',
  ])('%s is nothing', async path => {
    const { status, json } = await hub.call('GET', path)
    expect(status).toBe(404)
    expect(json).toEqual({ error: { code: 'ERR_PKI_NOT_FOUND', message: expect.any(String) } })
  })

  test.each([
    ['PUT', '/api/devices/certificates/d', 'GET, HEAD, POST, DELETE'],
    ['PATCH', '/api/devices/certificates/d', 'GET, HEAD, POST, DELETE'],
    ['OPTIONS', '/api/devices/certificates', 'GET, HEAD'],
    ['POST', '/api/devices/certificates', 'GET, HEAD'],
    ['GET', '/api/devices/certificates/d/renew', 'POST'],
    ['HEAD', '/api/devices/certificates/d/renew', 'POST'],
    ['POST', '/api/health', 'GET, HEAD'],
    ['DELETE', '/api/devices/certificates/ca/certificate', 'GET, HEAD'],
    ['constructor', '/api/health', 'GET, HEAD'],
  ])('%s %s is 405', async (method, path, allow) => {
    const reply = await hub.call(method, path)
    expect(reply.status).toBe(405)
    expect(reply.headers.get('allow')).toBe(allow)
    if (method !== 'HEAD') expect(reply.json.error.code).toBe('ERR_PKI_METHOD')
  })

  test('HEAD answers like GET, without a body', async () => {
    const reply = await hub.call('HEAD', certificates)
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(reply.text).toBe('')
  })
})
