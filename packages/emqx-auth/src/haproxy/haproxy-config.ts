import { keepsCertificateBehindProxy } from '../emqx/config/broker-features.ts'
import { checkInteger, checkText } from '../emqx/config/config-values.ts'
import { type EmqxVersion, parseEmqxVersion } from '../emqx/config/emqx-version.ts'
import { type HaproxyHubs, hubSections, onlyTls } from './haproxy-hubs.ts'
import { checkServers, checkWord, type HaproxyServer, serverLine } from './haproxy-values.ts'

/** Options of {@link haproxyConfig}. */
export interface HaproxyConfigOptions {
  /** Where devices connect. Default `:8883`, all addresses. */
  readonly bind?: string
  /** The TLS listeners of the brokers. */
  readonly brokers: readonly HaproxyServer[]
  /**
   * Tells the brokers the devices' addresses by PROXY protocol v2. They must expect it: EMQX with `listener.proxyProtocol`, and only 6.0.3, 6.1.2, 6.2.1 or later, for before, EMQX loses the certificate on that way and denies every device; RabbitMQ with
   * `mqtt.proxy_protocol = true`. Mosquitto 2.0 does not speak it.
   */
  readonly proxyProtocol?: { readonly emqx: EmqxVersion } | { readonly rabbitmq: true }
  /** The hubs, where brokers, operators and devices are to reach them through the same HAProxy. Default: they are not behind it. */
  readonly hubs?: HaproxyHubs
  /** Path of the socket by which an operator takes a broker out of the pool before its restart: `set server brokers/<name> state drain`. Default: none. */
  readonly adminSocket?: string
  /** Connections at a time. Default 100,000. */
  readonly maxConnections?: number
  /** New connections of devices to brokers in a second; more wait in the kernel's queue. A whole fleet that comes back at once would otherwise spend the brokers' time on handshakes. Default: no limit. */
  readonly connectionsPerSecond?: number
  /** A connection to a broker on which nothing was sent for so long is closed. Must be above one and a half times the longest keep-alive of a device. Default 600. */
  readonly idleSeconds?: number
}

/**
 * Renders a `haproxy.cfg` (HAProxy 2.4 or later) that passes TLS through to the brokers, so that they see the devices' certificates themselves. Nothing is decrypted here, and what is not TLS is cut off.
 * With `hubs`, those that answer `GET /api/health` with 200 share the questions of brokers, operators and devices; one that leaves (`createDrain`) or whose store is away gets none.
 *
 * @throws TypeError for a value that cannot stand in the file, and for PROXY protocol to a release that loses the certificate
 */
export function haproxyConfig(options: HaproxyConfigOptions): string {
  const { brokers, hubs, adminSocket, bind = ':8883' } = options
  checkServers('brokers', brokers)
  const sendProxy = checkProxyProtocol(options.proxyProtocol) ? ' send-proxy-v2 check-send-proxy' : ''
  const idle = checkInteger('idleSeconds', options.idleSeconds ?? 600, 10, 86_400)
  const most = checkInteger('maxConnections', options.maxConnections ?? 100_000, 1, 10_000_000)
  const rate = options.connectionsPerSecond
  const lines = [
    '# TLS is passed through: the brokers see the certificates of the devices.',
    'global',
    `  maxconn ${most}`,
    ...(adminSocket === undefined
      ? []
      : [`  stats socket ${checkPath('adminSocket', adminSocket)} mode 600 level admin`]),
    '',
    'defaults',
    '  mode tcp',
    `  maxconn ${most}`,
    '  timeout connect 5s',
    `  timeout client ${idle}s`,
    `  timeout server ${idle}s`,
    '  # A device that is gone is noticed.',
    '  option clitcpka',
    '  option srvtcpka',
    '',
    'frontend mqtts',
    `  bind ${checkWord('bind', bind)}`,
    ...(rate === undefined
      ? []
      : [`  rate-limit sessions ${checkInteger('connectionsPerSecond', rate, 1, 1_000_000)}`]),
    ...onlyTls,
    '  default_backend brokers',
    '',
    'backend brokers',
    '  balance leastconn',
    '  # A broker that is being restarted: the next one gets the device.',
    '  retries 3',
    '  option redispatch 1',
    ...brokers.map(broker => serverLine('brokers', broker, broker.port, `check${sendProxy}`)),
    ...(hubs === undefined ? [] : hubSections(hubs)),
  ]
  return `${lines.join('\n')}\n`
}

function checkProxyProtocol(proxyProtocol: HaproxyConfigOptions['proxyProtocol']): boolean {
  if (proxyProtocol === undefined) return false
  if ('rabbitmq' in proxyProtocol) {
    if (proxyProtocol.rabbitmq !== true) throw new TypeError('"proxyProtocol.rabbitmq" must be true')
    return true
  }
  const release = parseEmqxVersion(proxyProtocol.emqx)
  if (release === undefined || !keepsCertificateBehindProxy(release)) {
    throw new TypeError('"proxyProtocol.emqx" must be 6.0.3, 6.1.2, 6.2.1 or later: before, EMQX loses the certificate')
  }
  return true
}

function checkPath(label: string, path: unknown): string {
  if (!/^\/[A-Za-z0-9_./-]+$/.test(checkText(label, path))) throw new TypeError(`"${label}" must be an absolute path`)
  return path as string
}
