import { once } from 'node:events'
import { Agent, createServer, type RequestListener, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { afterEach, describe, expect, it } from 'vitest'
import { createDrain, createHub, type Drain, toNodeHandler } from '../../src/index.ts'
import { openTestHub } from '../support/test-hub.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Answer {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

/** Keeps its connection, as brokers and load balancers do. */
function caller(port: () => number): (path: string) => Promise<Answer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  cleanups.push(() => agent.destroy())
  return path =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: port(), path, agent }, async response => {
        const { connection } = response.headers
        resolve({ status: response.statusCode!, connection, body: await text(response) })
      })
        .on('error', reject)
        .end()
    })
}

async function listen(handler: RequestListener): Promise<Server & { port: number }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handler)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return Object.assign(server, { port: (server.address() as AddressInfo).port })
}

async function hubServer(drain: Drain): Promise<Server & { port: number }> {
  const { fleet } = await openTestHub()
  cleanups.push(() => fleet.close())
  const hub = createHub({
    fleet,
    drain,
    auth: createBrokerAuth({ fleet }),
    authorize: () => false,
    broker: { url: 'mqtts://broker.example', mqttSecurePort: 8883 },
  })
  return listen(toNodeHandler(hub))
}

describe('a hub that leaves the pool', () => {
  it('says so by health, answers all else meanwhile, and each answer sends its caller to another connection', async () => {
    const drain = createDrain()
    const server = await hubServer(drain)
    const call = caller(() => server.port)
    expect(drain.isDraining).toBe(false)
    expect(await call('/api/health')).toMatchObject({ status: 200, connection: 'keep-alive' })
    const ended = drain.end(server, { noticeSeconds: 3 })
    expect(drain.isDraining).toBe(true)
    const health = await call('/api/health')
    expect(health).toMatchObject({ status: 503, connection: 'close' })
    expect(JSON.parse(health.body)).toEqual({ status: 'draining', fleet: 'ready' })
    // Over a new connection, for the balancer may not have noticed yet.
    expect(await call('/api/devices/certificates/ca/certificate')).toMatchObject({ status: 200, connection: 'close' })
    await ended
    await expect(call('/api/health')).rejects.toThrow('ECONNREFUSED')
  })

  it('answers what was begun before, and ends that connection, too', async () => {
    const drain = createDrain()
    let answer = (): void => {}
    const server = await listen((_, response) => {
      // As an application may have done already: the head is out.
      response.writeHead(200, { 'content-length': 2 }).write('o')
      answer = () => response.end('k')
    })
    const call = caller(() => server.port)
    const slow = call('/slow')
    await once(server, 'request')
    const ended = drain.end(server, { noticeSeconds: 0 })
    let isOver = false
    void ended.then(() => {
      isOver = true
    })
    while (server.listening) await sleep(1)
    await expect(caller(() => server.port)('/new')).rejects.toThrow('ECONNREFUSED')
    expect(isOver).toBe(false)
    answer()
    expect(await slow).toMatchObject({ status: 200, connection: 'keep-alive', body: 'ok' })
    await ended
  })

  it('cuts what takes longer than the deadline, and who says nothing', async () => {
    const drain = createDrain()
    const server = await listen(() => {})
    const slow = caller(() => server.port)('/slow')
    const silent = connect(server.port, '127.0.0.1')
    await once(server, 'request')
    const closed = once(silent, 'close')
    await Promise.all([
      drain.end(server, { noticeSeconds: 0, deadlineSeconds: 0.2 }),
      expect(slow).rejects.toThrow(/socket hang up|ECONNRESET/),
    ])
    await closed
  })

  it('ends several servers as one, once', async () => {
    const drain = createDrain()
    const servers = [await listen((_, response) => response.end()), await listen((_, response) => response.end())]
    await Promise.all([drain.end(servers, { noticeSeconds: 0 }), drain.end([], { noticeSeconds: 3600 })])
    expect(servers.map(({ listening }) => listening)).toEqual([false, false])
  })
})

it.each<[string, unknown, unknown, ErrorConstructor]>([
  ['no server', undefined, {}, TypeError],
  ['what is no server', [{}], {}, TypeError],
  ['a time before now', [], { noticeSeconds: -1 }, RangeError],
  ['a time that is none', [], { deadlineSeconds: Number.NaN }, RangeError],
  ['a day', [], { noticeSeconds: 86_400 }, RangeError],
  ['a name that means nothing', [], { notice: 1 }, TypeError],
])('%s is refused, and nothing has begun', async (_, servers, options, error) => {
  const drain = createDrain()
  await expect(drain.end(servers as never, options as never)).rejects.toThrow(error)
  expect(drain.isDraining).toBe(false)
})
