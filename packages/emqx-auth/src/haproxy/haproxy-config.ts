import { keepsCertificateBehindProxy } from '../emqx/config/broker-features.ts'
import { checkInteger, checkText } from '../emqx/config/config-values.ts'
import { type EmqxVersion, parseEmqxVersion } from '../emqx/config/emqx-version.ts'

/** Options of {@link haproxyConfig}. */
export interface HaproxyConfigOptions {
  /** Where devices connect. Default `:8883`, all addresses. */
  readonly bind?: string
  /** The TLS listeners of the brokers, by a name for logs. */
  readonly brokers: readonly { readonly name: string; readonly host: string; readonly port: number }[]
  /** Tells the brokers the devices' addresses by PROXY protocol v2, and which release of EMQX they are: `listener.proxyProtocol` must be on there. Only for 6.0.3, 6.1.2, 6.2.1 or later: before, EMQX loses the certificate on that way and denies every device. Mosquitto 2.0 does not speak it. */
  readonly proxyProtocol?: { readonly emqx: EmqxVersion }
  /** Connections at a time. Default 100,000. */
  readonly maxConnections?: number
  /** New connections in a second; more wait in the kernel's queue. A whole fleet that comes back at once would otherwise spend the brokers' time on handshakes. Default: no limit. */
  readonly connectionsPerSecond?: number
  /** A connection on which nothing was sent for so long is closed. Must be above one and a half times the longest keep-alive of a device. Default 600. */
  readonly idleSeconds?: number
}

/**
 * Renders a `haproxy.cfg` (HAProxy 2.4 or later) that passes TLS through to the brokers, so that they see the devices' certificates themselves. Nothing is decrypted here, and what is not TLS is cut off.
 *
 * @throws TypeError for a value that cannot stand in the file, and for PROXY protocol to a release that loses the certificate
 */
export function haproxyConfig(options: HaproxyConfigOptions): string {
  const { brokers, bind = ':8883' } = options
  if (!Array.isArray(brokers) || brokers.length === 0) throw new TypeError('"brokers" must name at least one')
  if (new Set(brokers.map(({ name }) => name)).size !== brokers.length) {
    throw new TypeError('"brokers" must have names that differ')
  }
  const sendProxy = checkProxyProtocol(options.proxyProtocol) ? ' send-proxy-v2 check-send-proxy' : ''
  const idle = checkInteger('idleSeconds', options.idleSeconds ?? 600, 10, 86_400)
  const most = checkInteger('maxConnections', options.maxConnections ?? 100_000, 1, 10_000_000)
  const rate = options.connectionsPerSecond
  const lines = [
    '# TLS is passed through: the brokers see the certificates of the devices.',
    'global',
    `  maxconn ${most}`,
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
    '  # What does not begin with a ClientHello is not TLS.',
    '  tcp-request inspect-delay 5s',
    '  tcp-request content accept if { req.ssl_hello_type 1 }',
    '  tcp-request content reject',
    '  default_backend brokers',
    '',
    'backend brokers',
    '  balance leastconn',
    ...brokers.map(({ name, host, port }) => {
      const address = `${checkHost(host)}:${checkInteger('brokers.port', port, 1, 65_535)}`
      return `  server ${checkName(name)} ${address} check${sendProxy}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

function checkProxyProtocol(proxyProtocol: HaproxyConfigOptions['proxyProtocol']): boolean {
  if (proxyProtocol === undefined) return false
  const release = parseEmqxVersion(proxyProtocol.emqx)
  if (release === undefined || !keepsCertificateBehindProxy(release)) {
    throw new TypeError('"proxyProtocol.emqx" must be 6.0.3, 6.1.2, 6.2.1 or later: before, EMQX loses the certificate')
  }
  return true
}

/** A word: spaces, quotes, backslashes, `#`, `$` and commas mean something to HAProxy. */
function checkWord(label: string, text: unknown): string {
  if (!/^[A-Za-z0-9_.:[\]*/@-]+$/.test(checkText(label, text))) throw new TypeError(`"${label}" must be an address`)
  return text as string
}

function checkHost(host: unknown): string {
  const isHost = typeof host === 'string' && /^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])$/.test(host)
  if (!isHost) throw new TypeError('"brokers.host" must be a name, an IPv4 address, or an IPv6 address in brackets')
  return host
}

function checkName(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_.:-]{1,64}$/.test(name)) {
    throw new TypeError('"brokers.name" must be 1 to 64 of A–Z a–z 0–9 _ . : -')
  }
  return name
}
