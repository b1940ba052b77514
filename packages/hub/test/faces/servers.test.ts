import { parseCrl } from '@fleetcert/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { csrPem } from '../support/csr.ts'
import { ocspRequest, ocspVerdict } from '../support/ocsp.ts'
import { rawRequest } from '../support/raw-request.ts'
import { faces, type Running } from '../support/servers.ts'
import {
  asBroker,
  asOperator,
  certificates,
  collect,
  openTestHub,
  type Reply,
  replyOf,
  type TestHub,
} from '../support/test-hub.ts'

describe.each(faces)('$name', face => {
  let hub: TestHub
  let server: Running
  beforeAll(async () => {
    hub = await openTestHub()
    server = await face.start(hub.hub)
  })
  afterAll(async () => {
    await server.close()
    await hub.fleet.close()
  })

  const ask = (method: string, path: string, options: Parameters<typeof rawRequest>[3] = {}): Promise<Reply> =>
    rawRequest(server.port, method, face.prefix + path, { headers: asOperator, ...options })

  test('enrols, reads, renews, revokes, lists', async () => {
    const body = { csr: await csrPem(), owner: 'alice', validityDays: 7 }
    const enrolled = await ask('POST', `${certificates}/d1`, { body })
    expect(enrolled.status).toBe(201)
    expect(enrolled.headers.get('cache-control')).toBe('no-store')
    expect((await ask('POST', `${certificates}/d1`, { body })).status).toBe(409)
    expect((await ask('GET', `${certificates}/d1`)).json).toMatchObject({ owner: 'alice', isValid: true })
    expect((await ask('POST', `${certificates}/d1/renew`, { body: { overlapSeconds: 0 } })).status).toBe(201)
    expect((await ask('POST', `${certificates}/validate/${enrolled.json.fingerprint}`)).json.valid).toBe(false)
    const revoked = await ask('DELETE', `${certificates}/d1`, { body: { reason: 'superseded' } })
    expect(revoked.json.reason).toBe('superseded')
    expect((await ask('GET', `${certificates}?status=revoked&limit=5`)).json.devices).toMatchObject([{ id: 'd1' }])
  })

  test('takes a POST and a DELETE without a body', async () => {
    const enrolled = await ask('POST', `${certificates}/d2`)
    expect(enrolled.status).toBe(201)
    expect(enrolled.json.clientKey).toContain('PRIVATE KEY')
    expect((await ask('DELETE', `${certificates}/d2`)).status).toBe(200)
  })

  test('answers the broker', async () => {
    const { json } = await ask('POST', `${certificates}/d3`)
    const [pem] = (json.clientCert as string).split('-----END')
    const body = { clientid: 'd3', cert_pem: pem!.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', '') }
    const path = `${certificates}/validate`
    expect((await ask('POST', path, { headers: asBroker, body })).json.result).toBe('allow')
    expect(await ask('POST', path, { headers: {}, body })).toMatchObject({ status: 200, text: '{"result":"deny"}' })
    const large = { ...body, username: 'x'.repeat(70_000) }
    expect(await ask('POST', path, { headers: asBroker, body: large })).toMatchObject({
      status: 200,
      text: '{"result":"deny"}',
    })
    expect(await ask('GET', path, { headers: asBroker })).toMatchObject({ status: 200, text: '{"result":"deny"}' })
  })

  test('answers the broker a form', async () => {
    const { json } = await ask('POST', `${certificates}/d4`)
    const [pem] = (json.clientCert as string).split('-----END')
    const form = { clientid: 'd4', cert_pem: pem!.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', '') }
    const headers = { ...asBroker, 'content-type': 'application/x-www-form-urlencoded' }
    const reply = await ask('POST', `${certificates}/validate`, { headers, body: new URLSearchParams(form).toString() })
    // Fastify with nothing but its own parsers does not let a form through.
    if (face.name === 'Fastify with its parsers') expect(reply.status).toBe(415)
    else expect(reply.json.result).toBe('allow')
  })

  test('answers what is not JSON itself, where no parser stands before it', async () => {
    const options = { headers: { ...asOperator, ...asBroker, 'content-type': 'application/json' }, body: '{' }
    const enrolled = await ask('POST', `${certificates}/d5`, options)
    const asked = await ask('POST', `${certificates}/authorize`, options)
    expect(enrolled.status).toBe(400)
    if (face.isParsedBefore) {
      expect(asked.status).toBe(400)
    } else {
      expect(enrolled.json.error.code).toBe('ERR_PKI_REQUEST')
      expect(asked).toMatchObject({ status: 200, text: '{"result":"deny"}' })
    }
    expect(await hub.fleet.device('d5')).toBeUndefined()
  })

  test('refuses who is nobody, whatever else is wrong', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const reply = await ask('POST', `${certificates}/d6`, { headers, body: { owner: '+' } })
      expect(reply.status).toBe(401)
      expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect(reply.json.error.code).toBe('ERR_PKI_FORBIDDEN')
    }
  })

  test('a body of more than 64 KiB is 413, and the connection goes on', async () => {
    const body = { csr: 'x'.repeat(70_000) }
    expect((await ask('POST', `${certificates}/d7`, { body })).json.error.code).toBe('ERR_PKI_TOO_LARGE')
    const chunked = { headers: { ...asOperator, 'transfer-encoding': 'chunked' }, body }
    expect((await ask('POST', `${certificates}/d7`, chunked)).json.error.code).toBe('ERR_PKI_TOO_LARGE')
    expect((await ask('GET', '/api/health')).status).toBe(200)
  })

  test('HEAD is GET without the body', async () => {
    const got = await ask('GET', '/api/health')
    const head = await ask('HEAD', '/api/health')
    expect(head.status).toBe(200)
    expect(head.text).toBe('')
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'))
  })

  test('sends files byte for byte', async () => {
    const [issuer] = await collect(hub.fleet.issuers())
    const path = `${face.prefix}/crl/${issuer!.issuerKeyId.slice(0, 16)}-0.crl`
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(parseCrl(bytes).crlNumber).toBe(1n)
    const headers = { 'if-none-match': response.headers.get('etag')! }
    const again = await replyOf(await fetch(`http://127.0.0.1:${server.port}${path}`, { headers }))
    expect(again.status).toBe(304)
    expect(again.text).toBe('')
  })

  test('answers OCSP, by POST and by GET in every spelling', async () => {
    const device = await hub.fleet.enroll('ocsp-1')
    const url = `http://127.0.0.1:${server.port}${face.prefix}/ocsp`
    const post = async (body: Uint8Array, type = 'application/ocsp-request') =>
      fetch(url, { method: 'POST', headers: { 'content-type': type }, body: body as Uint8Array<ArrayBuffer> })
    const verdict = async (response: Response) => {
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/ocsp-response')
      return ocspVerdict(new Uint8Array(await response.arrayBuffer()))
    }
    const request = ocspRequest([device])
    if (face.name === 'Fastify with its parsers') {
      // Nothing but JSON and text gets past them.
      expect((await post(request)).status).toBe(415)
    } else {
      expect(await verdict(await post(request))).toEqual(['good'])
      expect(await verdict(await post(Buffer.from('junk')))).toBe('malformedRequest')
      expect(await verdict(await post(Buffer.alloc(0)))).toBe('malformedRequest')
      expect((await post(Buffer.alloc(70_000))).status).toBe(413)
      expect(await verdict(await post(request))).toEqual(['good'])
    }
    const base64 = request.toString('base64')
    for (const path of [encodeURIComponent(base64), base64, `/${base64}`, `${base64.replaceAll('=', '')}/`]) {
      const got = await fetch(`${url}/${path}`)
      expect(got.headers.get('content-length')).not.toBeNull()
      const etag = got.headers.get('etag')!
      expect(await verdict(got)).toEqual(['good'])
      expect((await fetch(`${url}/${path}`, { headers: { 'if-none-match': etag } })).status).toBe(304)
      expect((await fetch(`${url}/${path}`, { method: 'HEAD' })).headers.get('etag')).toBe(etag)
    }
    expect(await verdict(await fetch(`${url}/junk`))).toBe('malformedRequest')
    await hub.fleet.revoke('ocsp-1')
    expect(await verdict(await fetch(`${url}/${encodeURIComponent(base64)}`))).toEqual(['revoked'])
  })

  test('ids are decoded once, slashes are what they are', async () => {
    for (const id of ['a%2Fb', 'a%252Fb', '%2E%2E%2Fca', 'a%5Cb', '%00']) {
      expect((await ask('GET', `${certificates}/${id}`)).json.error.code).toBe('ERR_PKI_DEVICE_ID')
    }
    expect((await ask('GET', `${certificates}/a%3Ab`)).json.error.code).toBe('ERR_PKI_DEVICE_UNKNOWN')
  })
})

test.each(faces.filter(face => !face.name.startsWith('Express')))(
  '$name: an address that is none is 404 in JSON',
  async face => {
    const hub = await openTestHub()
    const server = await face.start(hub.hub)
    for (const path of [`${certificates}/`, '/api/health/', '/API/health', `//api/health`]) {
      const reply = await rawRequest(server.port, 'GET', face.prefix + path, { headers: asOperator })
      expect(reply).toMatchObject({ status: 404, json: { error: { code: 'ERR_PKI_NOT_FOUND' } } })
    }
    await server.close()
    await hub.fleet.close()
  },
)
