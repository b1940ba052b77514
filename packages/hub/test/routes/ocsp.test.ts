import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { type DeviceCredential, parseCertificate, parseOcspResponse, verifyOcspResponse } from '@fleetcert/core'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { toNodeHandler } from '../../src/index.ts'
import { failures, ocspRequest, ocspVerdict } from '../support/ocsp.ts'
import { listen, type Running } from '../support/servers.ts'
import { openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let good: DeviceCredential
let revoked: DeviceCredential
beforeAll(async () => {
  hub = await openTestHub()
  good = await hub.fleet.enroll('good')
  revoked = await hub.fleet.enroll('revoked')
  await hub.fleet.revoke('revoked', { reason: 'keyCompromise' })
})
afterAll(() => hub.fleet.close())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

async function send(method: string, path: string, init: { headers?: Record<string, string>; body?: Uint8Array } = {}) {
  const { body, headers = {} } = init
  const request = new Request(`http://hub.example${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
  })
  const response = await hub.hub(request)
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, bytes, hex: bytes.toString('hex') }
}
const ask = (body: Uint8Array, headers: Record<string, string> = { 'content-type': 'application/ocsp-request' }) =>
  send('POST', '/ocsp', { body, headers })
const pathOf = (request: Buffer): string => `/ocsp/${encodeURIComponent(request.toString('base64'))}`

describe('POST /ocsp', () => {
  test('tells good from revoked, signed for the issuer', async () => {
    for (const [asked, certStatus] of [
      [good, 'good'],
      [revoked, 'revoked'],
    ] as const) {
      const { status, headers, bytes } = await ask(ocspRequest([asked]))
      expect(status).toBe(200)
      expect(headers.get('content-type')).toBe('application/ocsp-response')
      const response = parseOcspResponse(bytes)
      if (response.status !== 'successful') throw new Error(response.status)
      const { serialNumber } = parseCertificate(asked.certificate)
      const issuer = parseCertificate(asked.chain)
      const verified = verifyOcspResponse(response, { issuer, serialNumber, at: new Date() })
      expect(verified).toMatchObject({ certStatus, ...(certStatus === 'revoked' ? { reason: 'keyCompromise' } : {}) })
    }
    expect(ocspVerdict((await ask(ocspRequest([good, revoked], { hash: 'sha1' }))).bytes)).toEqual(['good', 'revoked'])
  })

  test('is of whatever content type', async () => {
    for (const type of [
      'application/octet-stream',
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json',
      '',
    ]) {
      expect(ocspVerdict((await ask(ocspRequest([good]), { 'content-type': type })).bytes)).toEqual(['good'])
    }
  })

  test('has the headers of RFC 9919, for this caller alone', async () => {
    const now = Math.floor(Date.now() / 1000) * 1000
    vi.spyOn(Date, 'now').mockReturnValue(now)
    const { headers, bytes } = await ask(ocspRequest([good]))
    const response = parseOcspResponse(bytes)
    if (response.status !== 'successful') throw new Error(response.status)
    const [{ thisUpdate, nextUpdate }] = response.responses as [(typeof response.responses)[0]]
    expect(headers.get('last-modified')).toBe(thisUpdate.toUTCString())
    expect(headers.get('expires')).toBe(nextUpdate!.toUTCString())
    expect(headers.get('etag')).toBe(`"${createHash('sha256').update(bytes).digest('hex')}"`)
    expect(headers.get('cache-control')).toBe('max-age=60, private, no-transform, must-revalidate')
  })

  test('a revocation is in the next answer', async () => {
    const device = await hub.fleet.enroll('soon')
    const before = await ask(ocspRequest([device]))
    expect(ocspVerdict(before.bytes)).toEqual(['good'])
    await hub.fleet.revoke('soon')
    const after = await ask(ocspRequest([device]))
    expect(ocspVerdict(after.bytes)).toEqual(['revoked'])
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'))
  })

  test('an echoed nonce is nobody else’s', async () => {
    for (const nonce of [Buffer.alloc(1, 7), randomBytes(16), randomBytes(128)]) {
      const { headers, bytes } = await ask(ocspRequest([good], { nonce }))
      const response = parseOcspResponse(bytes)
      expect(response).toMatchObject({ status: 'successful' })
      if (response.status === 'successful') expect(Buffer.from(response.nonce!)).toEqual(nonce)
      expect(headers.get('cache-control')).toBe('max-age=0, private, no-transform, must-revalidate')
      expect(headers.get('etag')).toBeNull()
      expect(headers.get('expires')).toBeNull()
      const fetched = await send('GET', pathOf(ocspRequest([good], { nonce })))
      expect(fetched.headers.get('cache-control')).toMatch(/private/)
    }
  })
})

describe('GET /ocsp/…', () => {
  test('has the headers of RFC 9919, for every cache', async () => {
    const { status, headers, bytes } = await send('GET', pathOf(ocspRequest([good])))
    expect(status).toBe(200)
    expect(ocspVerdict(bytes)).toEqual(['good'])
    expect(headers.get('content-type')).toBe('application/ocsp-response')
    expect(headers.get('cache-control')).toBe('max-age=60, public, no-transform, must-revalidate')
    expect(headers.get('etag')).toBe(`"${createHash('sha256').update(bytes).digest('hex')}"`)
    expect(Date.parse(headers.get('expires')!)).toBeGreaterThan(Date.parse(headers.get('last-modified')!))
  })

  test('max-age never goes past nextUpdate', async () => {
    const { headers } = await send('GET', pathOf(ocspRequest([good])))
    const nextUpdate = Date.parse(headers.get('expires')!)
    for (const [left, maxAge] of [
      [3000, 60],
      [60, 60],
      [59.5, 59],
      [1, 1],
      [0, 0],
      [-5, 0],
    ] as const) {
      vi.spyOn(Date, 'now').mockReturnValue(nextUpdate - left * 1000)
      const later = await send('GET', pathOf(ocspRequest([good])))
      expect(later.headers.get('cache-control')).toBe(`max-age=${maxAge}, public, no-transform, must-revalidate`)
    }
  })

  test('304 for those who have it, and for no date', async () => {
    const path = pathOf(ocspRequest([good]))
    const first = await send('GET', path)
    const etag = first.headers.get('etag')!
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await send('GET', path, { headers: { 'if-none-match': value } })
      expect(again.status).toBe(304)
      expect(again.bytes).toHaveLength(0)
      for (const name of ['etag', 'expires', 'cache-control', 'last-modified']) {
        expect(again.headers.get(name)).toBe(first.headers.get(name))
      }
    }
    const since = { 'if-modified-since': first.headers.get('last-modified')! }
    expect((await send('GET', path, { headers: since })).status).toBe(200)
  })

  test('HEAD has the headers alone', async () => {
    const path = pathOf(ocspRequest([good]))
    const get = await send('GET', path)
    const head = await send('HEAD', path)
    expect(head.status).toBe(200)
    expect(head.bytes).toHaveLength(0)
    expect(head.headers.get('content-length')).toBe(String(get.bytes.length))
    for (const name of ['content-type', 'etag', 'cache-control']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name))
    }
  })
})

test('other methods are 405', async () => {
  for (const [method, path, allow] of [
    ['GET', '/ocsp', 'POST'],
    ['PUT', '/ocsp', 'POST'],
    ['OPTIONS', '/ocsp', 'POST'],
    ['POST', '/ocsp/', 'GET, HEAD'],
    ['DELETE', '/ocsp/MEUw', 'GET, HEAD'],
  ] as const) {
    const { status, headers } = await send(method, path)
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe(allow)
  }
  for (const path of ['/ocsp2', '/OCSP', '/ocspx/MEUw', '//ocsp']) expect((await send('POST', path)).status).toBe(404)
})

describe('what is no request', () => {
  const request = (): Buffer => ocspRequest([good])

  test('is 200 malformedRequest, and for no cache', async () => {
    const bodies = [
      Buffer.alloc(0),
      Buffer.from('junk'),
      Buffer.from(request().toString('base64')),
      Buffer.concat([request(), Buffer.alloc(1)]),
      Buffer.from('3000', 'hex'),
      Buffer.from('3080', 'hex'),
      randomBytes(3000),
      Buffer.alloc(60_000, 0x30),
      ocspRequest(Array.from({ length: 101 }, () => good)),
      ocspRequest(Array.from({ length: 600 }, () => good)),
    ]
    for (let length = 1; length < request().length; length += 7) bodies.push(request().subarray(0, length))
    for (const body of bodies) {
      for (const reply of [await ask(body), await send('GET', pathOf(body))]) {
        expect(reply).toMatchObject({ status: 200, hex: failures.malformedRequest })
        expect(reply.headers.get('content-type')).toBe('application/ocsp-response')
        expect(reply.headers.get('cache-control')).toBe('no-store')
      }
    }
    for (const path of [
      '/ocsp/',
      '/ocsp//',
      '/ocsp/%',
      '/ocsp/%zz',
      '/ocsp/MEUw!',
      '/ocsp/..%2F',
      `/ocsp/${'A'.repeat(200_000)}`,
    ]) {
      expect(await send('GET', path)).toMatchObject({ status: 200, hex: failures.malformedRequest })
    }
    expect(hub.errors).toEqual([])
  })

  test('is 413 when it is longer than 64 KiB, 10,000 certificates included', async () => {
    for (const body of [Buffer.alloc(1024 * 1024, 0x30), ocspRequest(Array.from({ length: 10_000 }, () => good))]) {
      const reply = await ask(body)
      expect(reply.status).toBe(413)
      expect(JSON.parse(reply.bytes.toString()).error.code).toBe('ERR_PKI_TOO_LARGE')
      expect(reply.headers.get('cache-control')).toBe('no-store')
    }
  })

  test('gets no word about a certificate, however it is bent', async () => {
    const whole = request()
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, mask, isGet) => {
          const bent = Buffer.from(whole)
          bent[at]! ^= mask
          const { status, bytes } = isGet ? await send('GET', pathOf(bent)) : await ask(bent)
          expect(status).toBe(200)
          expect(['malformedRequest', 'unauthorized']).toContain(ocspVerdict(bytes))
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('what is not ours, and what there is no record of, is unauthorized', async () => {
  const other = await openTestHub()
  const stranger = await other.fleet.enroll('good')
  await other.fleet.close()
  expect(await ask(ocspRequest([stranger]))).toMatchObject({ status: 200, hex: failures.unauthorized })
  const unknown = { certificate: stranger.certificate, chain: good.chain }
  const reply = await send('GET', pathOf(ocspRequest([unknown])))
  expect(reply).toMatchObject({ status: 200, hex: failures.unauthorized })
  expect(reply.headers.get('cache-control')).toBe('no-store')
})

describe('when the fleet cannot say', () => {
  test('tryLater while the store is down, whatever was said before, and the operator hears why', async () => {
    const down = await openTestHub()
    const device = await down.fleet.enroll('d')
    const call = async () => {
      const response = await down.hub(
        new Request('http://hub.example/ocsp', {
          method: 'POST',
          body: ocspRequest([device]) as Uint8Array<ArrayBuffer>,
        }),
      )
      const hex = Buffer.from(await response.arrayBuffer()).toString('hex')
      return { status: response.status, cacheControl: response.headers.get('cache-control'), hex }
    }
    expect((await call()).hex.length).toBeGreaterThan(400)
    down.breakStore(true)
    // What was signed is given out for half a second more.
    await new Promise(resolve => setTimeout(resolve, 510))
    expect(await call()).toEqual({ status: 200, cacheControl: 'no-store', hex: failures.tryLater })
    expect(down.errors.at(-1)).toMatchObject({ code: 'ERR_PKI_STORE_UNAVAILABLE' })
    down.breakStore(false)
    expect((await call()).hex.length).toBeGreaterThan(400)
    await down.fleet.close()
    expect(await call()).toEqual({ status: 200, cacheControl: 'no-store', hex: failures.tryLater })
    expect(down.errors.at(-1)).toMatchObject({ code: 'ERR_PKI_CLOSED' })
  })

  test('internalError for a defect, without a word of it', async () => {
    const broken = await openTestHub()
    broken.fleet.ocsp = () => Promise.reject(new Error('at /srv/app/secret.ts'))
    const response = await broken.hub(new Request('http://hub.example/ocsp/MEUw'))
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer()).toString('hex')).toBe(failures.internalError)
    expect(broken.errors).toMatchObject([{ message: 'at /srv/app/secret.ts' }])
    await broken.fleet.close()
  })
})

describe('over a socket', () => {
  let server: Running
  beforeAll(async () => {
    server = await listen(toNodeHandler(hub.hub))
  })
  afterAll(() => server.close())

  /** Writes octets as they are and resolves everything that comes back until the server closes, or until `enough`. */
  function talk(parts: readonly (string | Uint8Array)[], enough: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1')
      let text = ''
      const done = (): void => {
        socket.destroy()
        resolve(text)
      }
      socket.setEncoding('latin1')
      socket.on('data', (part: string) => {
        text += part
        if (enough.test(text)) done()
      })
      socket.on('end', done)
      socket.on('error', reject)
      for (const part of parts) socket.write(part)
    })
  }
  const head = (...lines: string[]): string =>
    `POST /ocsp HTTP/1.1\r\nHost: x\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`
  const malformed = Buffer.from(failures.malformedRequest, 'hex').toString('latin1')

  test('a body in chunks, in pieces, and behind Expect', async () => {
    const request = ocspRequest([good])
    const chunks = [request.subarray(0, 5), request.subarray(5)].map(part =>
      Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
    )
    const answer = /HTTP\/1\.1 200 OK\r\n[\s\S]*application\/ocsp-response[\s\S]*\r\n\r\n[\s\S]{200}/
    expect(await talk([head('Transfer-Encoding: chunked'), ...chunks, '0\r\n\r\n'], answer)).toMatch(answer)
    const length = `Content-Length: ${request.length}`
    expect(await talk([head(length), request.subarray(0, 3), request.subarray(3)], answer)).toMatch(answer)
    expect(await talk([head(length, 'Expect: 100-continue'), request], answer)).toMatch(answer)
    const slow = new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(head(length)))
      socket.setEncoding('latin1').on('error', reject)
      setTimeout(() => socket.write(request.subarray(0, 10)), 30)
      setTimeout(() => socket.write(request.subarray(10)), 60)
      socket.once('data', (text: string) => {
        socket.destroy()
        resolve(text)
      })
    })
    expect(await slow).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  test('no body at all', async () => {
    expect(await talk([head('Content-Length: 0')], /\r\n\r\n[\s\S]{5}/)).toContain(malformed)
    expect(await talk([head()], /\r\n\r\n[\s\S]{5}/)).toContain(malformed)
    expect(await talk([head('Transfer-Encoding: chunked'), '0\r\n\r\n'], /\r\n\r\n[\s\S]{5}/)).toContain(malformed)
  })

  test('a Content-Length that lies', async () => {
    const request = ocspRequest([good])
    // Too short: what is read is no request, and what follows is no HTTP, which node may say first.
    const short = await talk([head(`Content-Length: ${request.length - 10}`), request], /400 Bad Request/)
    expect(short).not.toMatch(/\r\n\r\n[\s\S]{200}/)
    // Too long, and the caller goes away: nobody is left to be answered.
    const socket = connect(server.port, '127.0.0.1')
    socket.write(head(`Content-Length: ${request.length + 10}`))
    socket.write(request)
    await new Promise(resolve => setTimeout(resolve, 50))
    socket.destroy()
    // Two of them, and one beside chunks, are smuggling (RFC 9112 section 6.3).
    for (const lines of [
      ['Content-Length: 5', 'Content-Length: 6'],
      ['Content-Length: 5', 'Transfer-Encoding: chunked'],
      ['Content-Length: -1'],
      ['Content-Length: 1e3'],
    ]) {
      expect(await talk([head(...lines), 'hello'], /^HTTP\/1\.1 400/)).toMatch(/^HTTP\/1\.1 400/)
    }
    expect(hub.errors).toEqual([])
  })

  test('a megabyte is 413, announced or not, and the next question on the connection is answered', async () => {
    const large = Buffer.alloc(1024 * 1024, 0x30)
    const request = ocspRequest([good])
    const next = [head(`Content-Length: ${request.length}`), request]
    const both = /413 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*application\/ocsp-response/
    expect(await talk([head(`Content-Length: ${large.length}`), large, ...next], both)).toMatch(both)
    const chunked = [`${large.length.toString(16)}\r\n`, large, '\r\n0\r\n\r\n']
    expect(await talk([head('Transfer-Encoding: chunked'), ...chunked, ...next], both)).toMatch(both)
  })

  test('who sends no end of his body is told so after ten seconds, and cut off', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const reply = talk([head('Content-Length: 100'), 'x'], /never/)
    const answered = vi.fn()
    void reply.then(answered)
    // Sockets do not follow these timers.
    while (vi.getTimerCount() === 0) await new Promise(resolve => setImmediate(resolve))
    vi.advanceTimersByTime(9999)
    await new Promise(resolve => setImmediate(resolve))
    expect(answered).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(await reply).toMatch(/^HTTP\/1\.1 408 Request Timeout[\s\S]*connection: close/i)
  })

  test('more of an address than node takes is its 431, and no crash', async () => {
    const reply = await talk([`GET /ocsp/${'A'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`], /431/)
    expect(reply).toMatch(/^HTTP\/1\.1 431/)
    expect((await ask(ocspRequest([good]))).status).toBe(200)
  })
})
