import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { findRabbitMq } from '../../../../bench/src/auth-rabbitmq.ts'
import { freePort, listening } from '../../../../test-support/ports.ts'
import { type Child, startChild } from './child.ts'
import type { Site } from './site.ts'

/** RabbitMQ by the example's own files, with a port mapper and a folder of its own, so that it knows nothing of another one on the machine. */
export async function startRabbitMq(site: Site, name: string): Promise<Child> {
  const { server, epmd } = findRabbitMq()!
  const [epmdPort, distributionPort] = [await freePort(), await freePort()]
  const folder = '/etc/rabbitmq/fleet'
  const conf = site.file(`${name}.conf`, 'rabbitmq/rabbitmq.conf', [
    ['mqtt.listeners.ssl.default = 8883', `mqtt.listeners.ssl.1 = 127.0.0.1:${site.portOf(name)}`],
    [`${folder}/ca-cert.pem`, site.path('broker/ca-cert.pem')],
    [`${folder}/server-cert.pem`, site.path('broker/server-cert.pem')],
    [`${folder}/server-key.pem`, site.path('broker/server-key.pem')],
    ['http://haproxy:3000', site.url],
    ['replace-this-by-the-output-of-openssl-rand-hex-32', site.brokerSecret],
  ])
  const home = site.path(name)
  mkdirSync(home)
  writeFileSync(site.path(`${name}/env.conf`), '')
  const mapper = startChild(epmd, ['-port', String(epmdPort), '-address', '127.0.0.1'])
  const broker = startChild(server, [], {
    HOME: home,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `fleetcert-${process.pid}-${name}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONF_ENV_FILE: site.path(`${name}/env.conf`),
    RABBITMQ_CONFIG_FILE: conf,
    RABBITMQ_ENABLED_PLUGINS_FILE: site.file(`${name}/enabled_plugins`, 'rabbitmq/enabled_plugins', []),
    RABBITMQ_MNESIA_BASE: site.path(`${name}/mnesia`),
    RABBITMQ_LOG_BASE: site.path(`${name}/log`),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  })
  void mapper
  for (let time = 0; time < 30; time += 1) {
    try {
      await listening(site.portOf(name), broker.log)
      return broker
    } catch {
      await sleep(10)
    }
  }
  throw new Error(`RabbitMQ does not listen: ${broker.log()}`)
}
