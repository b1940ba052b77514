import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisServer, startRedis } from '../../../../packages/store-redis/test/support/redis-server.ts'
import { freePort, listening } from '../../../../test-support/ports.ts'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { type Child, endAll, startChild } from './child.ts'

const example = join(import.meta.dirname, '..', '..')
const certificates = '/api/devices/certificates'
/** Of `show stat`. */
const statusColumn = 17

/** An answer of the API. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

/** The servers of a compose file on the loopback: Redis, two hubs, HAProxy, all on free ports. The files are the example's own, with other addresses. */
export interface Site extends AsyncDisposable {
  readonly redis: RedisServer
  /** Plain HTTP, through HAProxy. */
  readonly url: string
  /** TLS to the hubs, through HAProxy. */
  readonly deviceUrl: string
  /** MQTT over TLS, through HAProxy. */
  readonly brokerPort: number
  readonly operatorToken: string
  readonly brokerSecret: string
  /** By the name that HAProxy has for them: `hub1`, `hub2`. */
  readonly hubs: Map<string, Child>
  /** Port of a broker, which the test starts itself: `mosquitto1` … */
  portOf(name: string): number
  path(name: string): string
  /** Writes a file of the example as another one, with changes, each of which must be in it, and returns its path. */
  file(as: string, name: string, changes: readonly (readonly [string, string])[]): string
  /** Starts a script of the example. */
  run(script: string, env: NodeJS.ProcessEnv): Child
  /** Lets the example make what a broker is given, in the folder `broker`. */
  brokerFiles(): Promise<void>
  startHub(name: string): Promise<Child>
  /** Asks HAProxy's admin socket. */
  haproxy(command: string): Promise<string>
  /** Resolves once HAProxy has a server in a backend as `UP`, `DOWN` … */
  until(server: string, status: string): Promise<void>
  /** Resolves once HAProxy gives questions to a hub, over both ways. */
  inPool(hub: string): Promise<void>
  /** Calls the API as the operator. */
  call(method: string, path: string, body?: unknown): Promise<Reply>
  /** Asks as EMQX does. */
  ask(body: Record<string, unknown>): Promise<Reply>
}

export async function startSite(kind: 'mosquitto' | 'rabbitmq'): Promise<Site> {
  const folder = temporaryDirectory()
  const ports = new Map<string, number>()
  for (const name of ['mqtts', 'hubs', 'hubs-tls', 'hub1', 'hub1-tls', 'hub2', 'hub2-tls', `${kind}1`, `${kind}2`]) {
    ports.set(name, await freePort())
  }
  const portOf = (name: string): number => ports.get(name)!
  const hubs = new Map<string, Child>()
  const operatorToken = 'operator-token-of-this-test-0123456789'
  const brokerSecret = 'broker-secret-of-this-test-0123456789'
  const url = `http://127.0.0.1:${portOf('hubs')}`
  const redis = await startRedis()

  const fleet = { REDIS_URL: redis.url, FLEET_KEYS: folder.path('keys'), PUBLISH_URL: url }
  const run: Site['run'] = (script, env) =>
    startChild(process.execPath, ['--conditions=fleetcert-source', '--no-warnings', join(example, 'src', script)], env)
  const startHub = async (name: string): Promise<Child> => {
    const hub = run('hub.ts', {
      ...fleet,
      OPERATOR_TOKEN: operatorToken,
      BROKER_SECRET: brokerSecret,
      HUB_HOSTS: 'localhost,127.0.0.1',
      ADDRESS: '127.0.0.1',
      PORT: String(portOf(name)),
      TLS_PORT: String(portOf(`${name}-tls`)),
      BROKER_URL: `mqtts://localhost:${portOf('mqtts')}`,
    })
    hubs.set(name, hub)
    await hub.said('ready')
    return hub
  }
  const file: Site['file'] = (as, name, changes) => {
    let content = readFileSync(join(example, name), 'utf8')
    for (const [from, to] of changes) {
      if (!content.includes(from)) throw new Error(`${name} has no ${from}`)
      content = content.replaceAll(from, to)
    }
    writeFileSync(folder.path(as), content, { mode: 0o600 })
    return folder.path(as)
  }
  const haproxy = async (command: string): Promise<string> => {
    const socket = connect(folder.path('admin.sock'))
    socket.end(`${command}\n`)
    return text(socket)
  }

  const cfg = file('haproxy.cfg', `${kind}/haproxy.cfg`, [
    // A soft limit of open files may be lower than this asks for.
    ['maxconn 20000', 'maxconn 400'],
    ['/run/haproxy/admin.sock', folder.path('admin.sock')],
    ['bind :8883', `bind 127.0.0.1:${portOf('mqtts')}`],
    ['bind :3000', `bind 127.0.0.1:${portOf('hubs')}`],
    ['bind :8443', `bind 127.0.0.1:${portOf('hubs-tls')}`],
    ...['hub1', 'hub2'].flatMap(name => [
      [`${name}:3000`, `127.0.0.1:${portOf(name)}`] as const,
      [`${name}:3443`, `127.0.0.1:${portOf(`${name}-tls`)}`] as const,
    ]),
    ...[`${kind}1`, `${kind}2`].map(name => [`${name}:8883`, `127.0.0.1:${portOf(name)}`] as const),
  ])
  try {
    await Promise.all([startHub('hub1'), startHub('hub2')])
    const proxy = startChild('haproxy', ['-db', '-f', cfg])
    await listening(portOf('hubs'), proxy.log)
  } catch (error) {
    await endAll()
    await redis.stop()
    folder.remove()
    throw error
  }

  const send = async (method: string, path: string, headers: Record<string, string>, body: unknown): Promise<Reply> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const reply = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      json: reply.startsWith('{') ? JSON.parse(reply) : { text: reply },
    }
  }
  const until: Site['until'] = async (server, status) => {
    const [backend, name] = server.split('/')
    for (;;) {
      const rows = (await haproxy('show stat')).split('\n').map(line => line.split(','))
      const row = rows.find(([proxy, one]) => proxy === backend && one === name)
      if (row?.[statusColumn] === status) return
      await sleep(50)
    }
  }
  return {
    redis,
    url,
    deviceUrl: `https://127.0.0.1:${portOf('hubs-tls')}`,
    brokerPort: portOf('mqtts'),
    operatorToken,
    brokerSecret,
    hubs,
    portOf,
    path: folder.path,
    file,
    run,
    async brokerFiles() {
      const script = run('broker-certificate.ts', {
        ...fleet,
        HOSTS: 'localhost,127.0.0.1',
        FOLDER: folder.path('broker'),
      })
      await script.said('until')
      // It closes the fleet by itself.
      await script.ended()
    },
    startHub,
    haproxy,
    until,
    async inPool(hub) {
      await until(`hubs/${hub}`, 'UP')
      await until(`hubs-tls/${hub}`, 'UP')
    },
    call: (method, path, body) =>
      send(method, `${certificates}${path}`, { authorization: `Bearer ${operatorToken}` }, body),
    ask: body => send('POST', `${certificates}/validate`, { 'x-broker-secret': brokerSecret }, body),
    async [Symbol.asyncDispose]() {
      await endAll()
      await redis.stop()
      folder.remove()
    },
  }
}
