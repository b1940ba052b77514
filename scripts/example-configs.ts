import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { emqxConfig } from '../packages/emqx-auth/src/emqx/emqx-config.ts'
import { haproxyConfig } from '../packages/emqx-auth/src/haproxy/haproxy-config.ts'
import { mosquittoAcl, mosquittoConfig } from '../packages/emqx-auth/src/mosquitto/index.ts'

const certs = '/opt/emqx/etc/fleet'
const common = {
  secretHeader: { name: 'x-broker-secret', value: 'replace-this-by-the-output-of-openssl-rand-hex-32' },
  listener: {
    caFile: `${certs}/ca-cert.pem`,
    certFile: `${certs}/server-cert.pem`,
    keyFile: `${certs}/server-key.pem`,
  },
} as const
const hooks = (hub: string): { authUrl: string; authorizeUrl: string } => ({
  authUrl: `${hub}/api/devices/certificates/validate`,
  authorizeUrl: `${hub}/api/devices/certificates/authorize`,
})
const onHost = { ...common, ...hooks('http://127.0.0.1:3000') }
// Through HAProxy: whichever hub is ready.
const inNetwork = { ...common, ...hooks('http://haproxy:3000') }
const hubs = {
  bind: ':3000',
  deviceBind: ':8443',
  servers: ['hub1', 'hub2'].map(name => ({ name, host: name, port: 3000, tlsPort: 3443 })),
}
const haproxy = { hubs, adminSocket: '/run/haproxy/admin.sock', maxConnections: 20_000, connectionsPerSecond: 500 }
const brokers = (kind: string): { name: string; host: string; port: number }[] =>
  [`${kind}1`, `${kind}2`].map(name => ({ name, host: name, port: 8883 }))

/** What a whole `emqx.conf` of EMQX 5 and 6 has beside ours; the cookie comes by EMQX_NODE__COOKIE. */
const node = `node {
  name = "emqx@127.0.0.1"
  data_dir = "data"
}

`

const rabbitmqConf = `# RabbitMQ 3.10: MQTT over TLS alone, behind PROXY protocol v2; the certificate's common name is the user.
listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = 8883
mqtt.proxy_protocol = true
ssl_options.cacertfile = /etc/rabbitmq/fleet/ca-cert.pem
ssl_options.certfile = /etc/rabbitmq/fleet/server-cert.pem
ssl_options.keyfile = /etc/rabbitmq/fleet/server-key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
mqtt.ssl_cert_login = true
mqtt.allow_anonymous = false
ssl_cert_login_from = common_name
auth_backends.1 = http
auth_http.http_method = post
${['user', 'vhost', 'resource', 'topic']
  .map(
    name =>
      `auth_http.${name}_path = http://haproxy:3000/rabbitmq/replace-this-by-the-output-of-openssl-rand-hex-32/${name}\n`,
  )
  .join('')}`

/** The configurations of examples/emqx, examples/mosquitto and examples/haproxy by path, made by our own functions. */
export function exampleConfigs(): ReadonlyMap<string, string> {
  const emqx4 = emqxConfig({ ...onHost, version: '4.4' })
  const listener = { ...common.listener, proxyProtocol: true }
  return new Map([
    ['emqx/5.8/emqx.conf', node + emqxConfig({ ...onHost, version: '5.8.9' })],
    ['emqx/6.2/emqx.conf', node + emqxConfig({ ...onHost, version: '6.2.2' })],
    ['emqx/4.4/append-to-emqx.conf', emqx4.emqxConf],
    ['emqx/4.4/plugins/emqx_auth_http.conf', emqx4.pluginConf],
    ['emqx/4.4/fleetcert-acl.conf', emqx4.aclConf],
    [
      'mosquitto/mosquitto.conf',
      mosquittoConfig({
        port: 8883,
        caFile: '/mosquitto/fleet/ca-cert.pem',
        certFile: '/mosquitto/fleet/server-cert.pem',
        keyFile: '/mosquitto/fleet/server-key.pem',
        crlFile: '/mosquitto/fleet/crl.pem',
        aclFile: '/mosquitto/config/mosquitto.acl',
      }),
    ],
    ['mosquitto/mosquitto.acl', mosquittoAcl({}, { services: ['backend'] })],
    ['haproxy/emqx/emqx.conf', node + emqxConfig({ ...inNetwork, version: '6.2.2', listener })],
    [
      'haproxy/emqx/haproxy.cfg',
      haproxyConfig({ ...haproxy, brokers: brokers('emqx'), proxyProtocol: { emqx: '6.2.2' } }),
    ],
    [
      'haproxy/mosquitto/mosquitto.conf',
      `${mosquittoConfig({
        port: 8883,
        caFile: '/mosquitto/fleet/ca-cert.pem',
        certFile: '/mosquitto/fleet/server-cert.pem',
        keyFile: '/mosquitto/fleet/server-key.pem',
        crlFile: '/mosquitto/crl/crl.pem',
        aclFile: '/mosquitto/config/mosquitto.acl',
      })}pid_file /mosquitto/crl/mosquitto.pid\n`,
    ],
    ['haproxy/mosquitto/mosquitto.acl', mosquittoAcl({}, { services: ['backend'] })],
    ['haproxy/mosquitto/haproxy.cfg', haproxyConfig({ ...haproxy, brokers: brokers('mosquitto') })],
    ['haproxy/rabbitmq/rabbitmq.conf', rabbitmqConf],
    ['haproxy/rabbitmq/enabled_plugins', '[rabbitmq_mqtt,rabbitmq_auth_backend_http,rabbitmq_auth_mechanism_ssl].\n'],
    [
      'haproxy/rabbitmq/haproxy.cfg',
      haproxyConfig({ ...haproxy, brokers: brokers('rabbitmq'), proxyProtocol: { rabbitmq: true } }),
    ],
  ])
}

if (import.meta.main) {
  for (const [path, text] of exampleConfigs()) {
    const file = join(import.meta.dirname, '..', 'examples', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
