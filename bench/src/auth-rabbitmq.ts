import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'

/** A RabbitMQ of our own. */
export interface RabbitMq {
  /** MQTT over TLS, client certificates required. */
  readonly port: number
  /** Processor time of the broker so far, milliseconds. */
  cpu(): number
  stop(): Promise<void>
}

/** Where RabbitMQ's own start script is, past Debian's wrapper, which would take the settings of the machine's service; and Erlang's port mapper. */
export function findRabbitMq(): { readonly server: string; readonly epmd: string } | undefined {
  const server = globSync('/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server').at(-1)
  const epmd = ['/usr/bin/epmd', ...globSync('/usr/lib/erlang/erts-*/bin/epmd')].find(existsSync)
  return server === undefined || epmd === undefined ? undefined : { server, epmd }
}

/**
 * Starts a RabbitMQ on free ports of the loopback, with a folder, a cookie and a port mapper of its own, so that it knows nothing of another one on the machine. It asks `hookPort` who may connect, by user name,
 * which is the common name of the certificate. The folder holds ca.pem, server.pem and server-key.pem.
 */
export async function startRabbitMq(folder: string, hookPort: number): Promise<RabbitMq> {
  const tools = findRabbitMq()
  if (tools === undefined) throw new Error('there is no RabbitMQ')
  const [port, epmdPort, distributionPort] = await freePorts(3)
  const home = join(folder, 'rabbitmq')
  mkdirSync(home, { recursive: true })
  const hook = `http://127.0.0.1:${hookPort}/auth`
  const conf = [
    'listeners.tcp = none',
    'mqtt.listeners.tcp = none',
    `mqtt.listeners.ssl.1 = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${join(folder, 'ca.pem')}`,
    `ssl_options.certfile = ${join(folder, 'server.pem')}`,
    `ssl_options.keyfile = ${join(folder, 'server-key.pem')}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
    'mqtt.ssl_cert_login = true',
    'ssl_cert_login_from = common_name',
    'auth_backends.1 = http',
    'auth_http.http_method = post',
    ...['user', 'vhost', 'resource', 'topic'].map(name => `auth_http.${name}_path = ${hook}/${name}`),
    'log.console = false',
    'log.file.level = warning',
    '',
  ]
  writeFileSync(join(home, 'rabbitmq.conf'), conf.join('\n'))
  writeFileSync(
    join(home, 'enabled_plugins'),
    '[rabbitmq_mqtt,rabbitmq_auth_backend_http,rabbitmq_auth_mechanism_ssl].\n',
  )
  writeFileSync(join(home, 'env.conf'), '')
  const epmd = spawn(tools.epmd, ['-port', String(epmdPort), '-address', '127.0.0.1'], { stdio: 'ignore' })
  const server = spawn(tools.server, [], {
    // A group of its own: the script starts Erlang, and both end together.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: home,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      LANG: 'C.UTF-8',
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `fleetcert-bench-${process.pid}@localhost`,
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONF_ENV_FILE: join(home, 'env.conf'),
      RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
      RABBITMQ_LOG_BASE: join(home, 'log'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    },
  })
  const stop = async (): Promise<void> => {
    await ended(server, () => process.kill(-server.pid!, 'SIGTERM'))
    await ended(epmd, () => epmd.kill())
  }
  try {
    await listening(port!, server, join(home, 'log'))
  } catch (error) {
    await stop()
    throw error
  }
  return { port: port!, cpu: () => cpuOfGroup(server.pid!), stop }
}

/** Of all processes of a group; the script is one, Erlang another. */
function cpuOfGroup(group: number): number {
  let ticks = 0
  for (const file of globSync('/proc/[0-9]*/stat')) {
    try {
      // proc(5): behind the name in brackets come state, ppid, pgrp, …; utime and stime are fields 14 and 15 of the whole.
      const fields = readFileSync(file, 'latin1').split(') ').at(-1)!.split(' ')
      if (Number(fields[2]) === group) ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It has ended meanwhile.
    }
  }
  // USER_HZ is 100 everywhere.
  return ticks * 10
}

async function ended(child: ChildProcess, end: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  end()
  await exited
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

/** Resolves once the port takes connections. */
async function listening(port: number, server: ChildProcess, logs: string): Promise<void> {
  for (let attempt = 0; attempt < 600 && server.exitCode === null; attempt += 1) {
    const isOpen = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
      socket.on('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  const text = globSync(join(logs, '*.log')).map(file => readFileSync(file, 'utf8'))
  throw new Error(`RabbitMQ does not listen: ${text.join('\n').slice(-2000)}`)
}
