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
const inNetwork = { ...common, ...hooks('http://hub:3000') }

/** What a whole `emqx.conf` of EMQX 5 and 6 has beside ours; the cookie comes by EMQX_NODE__COOKIE. */
const node = `node {
  name = "emqx@127.0.0.1"
  data_dir = "data"
}

`

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
    ['haproxy/emqx.conf', node + emqxConfig({ ...inNetwork, version: '6.2.2', listener })],
    [
      'haproxy/haproxy.cfg',
      haproxyConfig({
        brokers: ['emqx1', 'emqx2'].map(name => ({ name, host: name, port: 8883 })),
        proxyProtocol: { emqx: '6.2.2' },
        maxConnections: 20_000,
        connectionsPerSecond: 500,
      }),
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
