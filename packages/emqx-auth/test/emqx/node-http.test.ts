import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { type BrokerAuth, createBrokerAuth } from '../../src/broker-auth.ts'
import { createEmqxHandler } from '../../src/emqx/create-emqx-handler.ts'
import { fakeDer, stubFleet } from '../support/stub-fleet.ts'

// EMQX keeps a few connections per node open and sends many requests down each without waiting: answers must come in order, all of them, and the server must not close under its hands.

const devices = Array.from({ length: 30 }, (_, index) => ({ deviceId: `d${index}`, der: fakeDer(`device ${index}`) }))
const decisions = createBrokerAuth({ fleet: stubFleet(devices), clock: () => new Date('2026-06-01T00:00:00Z') })
let server: Server | undefined
afterEach(() => server?.close())

/** The handler behind node:http, with the settings of docs/emqx.md. */
async function start(auth: BrokerAuth, deadlineSeconds: number): Promise<number> {
  const handler = createEmqxHandler(auth, { dialect: 'emqx5', authorizeCaller: () => true, deadlineSeconds })
  server = createServer({ keepAliveTimeout: 65_000 }, async (request, response) => {
    const answer = await handler(toRequest(request))
    const body = await answer.text()
    const headers = { ...Object.fromEntries(answer.headers), 'content-length': Buffer.byteLength(body) }
    response.writeHead(answer.status, headers).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
function toRequest(request: IncomingMessage): Request {
  const headers = new Headers(request.headers as Record<string, string>)
  const body = Readable.toWeb(request) as ReadableStream
  return new Request(`http://hub${request.url}`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
}

/** As EMQX 5.8.9 writes it, byte for byte. */
function question(fields: object): string {
  const body = JSON.stringify(fields)
  return `POST /validate HTTP/1.1\r\ncontent-length: ${Buffer.byteLength(body)}\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\r\n${body}`
}
const login = (index: number): string =>
  question({
    clientid: `d${index}`,
    cert_pem: Buffer.from(devices[index]!.der).toString('base64'),
    cert_common_name: `d${index}`,
  })

/** Writes to one socket and reads until `count` answers are there. */
async function pipeline(port: number, text: string, count: number): Promise<{ bodies: string[]; text: string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(text)
  let received = ''
  for await (const part of socket) {
    received += part
    const bodies = [...received.matchAll(/\r\n\r\n(\{.*?\})(?=HTTP\/1\.1|$)/gs)].map(match => match[1]!)
    if (bodies.length === count) {
      socket.destroy()
      return { bodies, text: received }
    }
  }
  throw new Error(`closed after: ${received}`)
}

describe('many questions down one connection', () => {
  it('are answered in order, whichever is decided first', async () => {
    let waiting = devices.length
    const release: (() => void)[] = []
    const auth: BrokerAuth = {
      ...decisions,
      // The last question is decided first.
      authenticate: input =>
        new Promise(resolve => {
          release.push(() => resolve(decisions.authenticate(input)))
          waiting -= 1
          if (waiting === 0) for (const go of release.reverse()) go()
        }),
    }
    const port = await start(auth, 30)
    const { bodies, text } = await pipeline(port, devices.map((_, index) => login(index)).join(''), devices.length)
    expect(bodies.map(body => JSON.parse(body).client_attrs.device_id)).toEqual(devices.map(({ deviceId }) => deviceId))
    // Longer than the 30 s for which EMQX keeps a connection.
    expect(text).toMatch(/keep-alive: timeout=65/i)
  })

  it('are all answered when one is never decided', async () => {
    const auth: BrokerAuth = {
      ...decisions,
      authenticate: input => (input.clientId === 'd1' ? new Promise(() => {}) : decisions.authenticate(input)),
    }
    const port = await start(auth, 0.1)
    const { bodies } = await pipeline(port, [0, 1, 2].map(login).join(''), 3)
    expect(bodies.map(body => JSON.parse(body).result)).toEqual(['allow', 'deny', 'allow'])
  })

  it('are answered the same when they are asked again, as EMQX does when an answer was lost', async () => {
    const port = await start(decisions, 4)
    const { bodies } = await pipeline(port, login(0) + login(0) + login(0), 3)
    expect(new Set(bodies).size).toBe(1)
    expect(JSON.parse(bodies[0]!).result).toBe('allow')
    // And after the connection broke before the answer.
    const broken = connect(port, '127.0.0.1')
    broken.end(login(0))
    broken.destroy()
    expect((await pipeline(port, login(0), 1)).bodies).toEqual([bodies[0]])
  })
})
