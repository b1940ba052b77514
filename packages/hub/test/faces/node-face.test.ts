import { createServer } from 'node:http'
import { connect } from 'node:net'
import { toNodeHandler } from '@fleetcert/hub'
import express from 'express'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from '../support/raw-request.ts'
import { listen, type Running } from '../support/servers.ts'
import { asBroker, asOperator, certificates, openTestHub, type TestHub } from '../support/test-hub.ts'

let hub: TestHub
let server: Running
beforeAll(async () => {
  hub = await openTestHub()
  server = await listen(createServer(toNodeHandler(hub.hub)))
})
afterAll(async () => {
  await server.close()
  await hub.fleet.close()
})

/** What comes back for bytes as they are, until the server closes or `until` has been seen. */
function rawExchange(port: number, bytes: string, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.on('data', part => {
      text += part
      if (until.test(text)) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

test('takes a target in absolute form, and does not take one for another', async () => {
  expect((await rawRequest(server.port, 'GET', 'http://hub.example/api/health')).status).toBe(200)
  for (const target of [
    'http://hub.example',
    '//hub.example/api/health',
    '/http://hub.example/api/health',
    '/api/health#x',
    '/api/./health',
    '/api/x/../health',
    '/api\\health',
  ]) {
    expect((await rawRequest(server.port, 'GET', target)).status).toBe(404)
  }
  expect((await rawRequest(server.port, 'OPTIONS', '*')).status).toBe(404)
})

test('answers pipelined questions in order', async () => {
  const ask = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nhost: hub\r\nx-broker-secret: broker-secret\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`
  const text = await rawExchange(
    server.port,
    `${ask(`${certificates}/validate`)}GET /api/health HTTP/1.1\r\nhost: hub\r\n\r\n${ask(`${certificates}/authorize`)}`,
    /(deny|ok)[\s\S]*(deny|ok)[\s\S]*(deny|ok)[\s\S]*\}$/,
  )
  expect(text.match(/"result":"deny"|"status":"ok"/g)).toEqual(['"result":"deny"', '"status":"ok"', '"result":"deny"'])
})

test('a body that ends early enrols nobody', async () => {
  await new Promise<void>(resolve => {
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(
        `POST ${certificates}/early HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer operator-token\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{"owner":`,
      )
      setTimeout(() => socket.destroy(), 50)
    })
    socket.on('close', () => resolve())
  })
  expect((await rawRequest(server.port, 'GET', `${certificates}/early`, { headers: asOperator })).status).toBe(404)
  expect(hub.errors).toEqual([])
})

test('a credential that is sent twice is none', async () => {
  const text = await rawExchange(
    server.port,
    `GET ${certificates} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer operator-token\r\nauthorization: Bearer other\r\nconnection: close\r\n\r\n`,
    /$^/,
  )
  expect(text).toMatch(/^HTTP\/1\.1 401 /)
})

test('HEAD says how long the body would be', async () => {
  const reply = await rawRequest(server.port, 'HEAD', '/api/health')
  const got = await rawRequest(server.port, 'GET', '/api/health')
  expect(reply.headers.get('content-length')).toBe(String(got.text.length))
})

describe('the Request that a callback sees', () => {
  const seen = async (
    start: (handler: ReturnType<typeof toNodeHandler>) => Promise<Running>,
    path: string,
    headers: Record<string, string> = {},
  ) => {
    const requests: { url: string; method: string; body: string; header: string | null }[] = []
    const watched = await openTestHub({
      authorize: async request => {
        requests.push({
          url: request.url,
          method: request.method,
          body: await request.text(),
          header: request.headers.get('x-custom'),
        })
        return true
      },
    })
    const running = await start(toNodeHandler(watched.hub))
    const reply = await rawRequest(running.port, 'POST', path, {
      headers: { host: 'hub.example', 'x-custom': 'yes', ...headers },
      body: { owner: 'alice' },
    })
    await running.close()
    await watched.fleet.close()
    return { reply, requests }
  }

  test('has address, method, headers and body', async () => {
    const { reply, requests } = await seen(handler => listen(createServer(handler)), `${certificates}/d?`)
    expect(reply.status).toBe(201)
    expect(requests).toEqual([
      { url: `http://hub.example${certificates}/d`, method: 'POST', body: '{"owner":"alice"}', header: 'yes' },
    ])
  })

  test('below a prefix has the address that the client asked for', async () => {
    const { reply, requests } = await seen(handler => listen(express().use('/pki', handler)), `/pki${certificates}/d`)
    expect(reply.status).toBe(201)
    expect(requests[0]!.url).toBe(`http://hub.example/pki${certificates}/d`)
  })

  test.each(['hub.example/admin?', 'user@hub.example', 'hub example', '[::1', 'hub.example:99999999'])(
    'does not let the Host header %j into its address',
    async host => {
      const { requests } = await seen(handler => listen(createServer(handler)), `${certificates}/d`, { host })
      expect(requests[0]!.url).toBe(`http://localhost${certificates}/d`)
    },
  )
})

describe('Express', () => {
  test('goes on to other routes, and the hub leaves their bodies alone', async () => {
    const app = express()
      .use(toNodeHandler(hub.hub))
      .use(express.json())
      .post('/mine', (request, response) => void response.json(request.body))
    const running = await listen(app)
    expect((await rawRequest(running.port, 'POST', '/mine', { body: { a: 1 } })).text).toBe('{"a":1}')
    expect((await rawRequest(running.port, 'GET', '/api/health')).status).toBe(200)
    expect((await rawRequest(running.port, 'GET', '/api/health/')).status).toBe(404)
    await running.close()
  })

  test('a body that somebody read and threw away is our failure to report, and a deny for the broker', async () => {
    const before = hub.errors.length
    const drained = express().use((request, _response, next) => {
      request.resume().on('end', next)
    })
    const running = await listen(drained.use(toNodeHandler(hub.hub)))
    const reply = await rawRequest(running.port, 'POST', `${certificates}/lost`, {
      headers: asOperator,
      body: { owner: 'alice' },
    })
    expect(reply.status).toBe(500)
    const deny = await rawRequest(running.port, 'POST', `${certificates}/validate`, { headers: asBroker, body: {} })
    expect(deny).toMatchObject({ status: 200, text: '{"result":"deny"}' })
    expect(hub.errors.slice(before)).toMatchObject([
      { message: expect.stringContaining('before the hub') },
      { message: expect.stringContaining('before the hub') },
    ])
    hub.errors.length = before
    await running.close()
  })

  test('a form field that a parser made a list of is refused', async () => {
    const running = await listen(express().use(express.urlencoded({ extended: true }), toNodeHandler(hub.hub)))
    const headers = { ...asBroker, 'content-type': 'application/x-www-form-urlencoded' }
    const reply = await rawRequest(running.port, 'POST', `${certificates}/validate`, {
      headers,
      body: 'clientid=a&clientid=b',
    })
    expect(reply).toMatchObject({ status: 200, text: '{"result":"deny"}' })
    await running.close()
  })
})

test('Fastify’s inject works', async () => {
  const app = fastify()
  const handler = toNodeHandler(hub.hub)
  app.all('/api/*', (request, reply) => {
    reply.hijack()
    handler(Object.assign(request.raw, { body: request.body }), reply.raw)
  })
  const reply = await app.inject({
    method: 'POST',
    url: `${certificates}/injected`,
    headers: asOperator,
    payload: { owner: 'alice' },
  })
  expect(reply.statusCode).toBe(201)
  expect(reply.json().deviceId).toBe('injected')
  await app.close()
})

test('an answer that somebody else has given stays', async () => {
  const handler = toNodeHandler(hub.hub)
  const running = await listen(
    createServer((request, response) => {
      response.end('mine')
      handler(request, response)
    }),
  )
  expect((await rawRequest(running.port, 'GET', '/api/health')).text).toBe('mine')
  await running.close()
})

test('a wrapped hub that rejects ends the connection, or goes to next', async () => {
  const broken = toNodeHandler(() => Promise.reject(new Error('mine')))
  const running = await listen(createServer(broken))
  await expect(rawRequest(running.port, 'GET', '/')).rejects.toThrow()
  await running.close()
  const app = express().use(broken)
  app.use(((_error, _request, response, _next) => void response.status(418).end()) as express.ErrorRequestHandler)
  const behind = await listen(app)
  expect((await rawRequest(behind.port, 'GET', '/')).status).toBe(418)
  await behind.close()
})
