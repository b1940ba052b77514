import {
  checksCrls,
  hasNodeCache,
  hasSessionTickets,
  keepsCertificateBehindProxy,
  namesListenersEnable,
  refreshesDerCrls,
  toleratesMissingValues,
} from './config/broker-features.ts'
import { checkInteger, checkText, checkTlsVersions } from './config/config-values.ts'
import type { EmqxConfigOptions } from './config/emqx-config-options.ts'
import { type EmqxRelease, parseEmqxVersion } from './config/emqx-version.ts'
import { type Emqx4Config, type Emqx4ConfigOptions, emqx4Config } from './config/emqx4-config.ts'
import { block, list, quote } from './config/hocon-writer.ts'
import { hookLines } from './config/hook-lines.ts'
import { fillsPlaceholder } from './config/placeholders.ts'

/**
 * Renders what makes EMQX 5 or 6 ask us and nobody else, in HOCON for `emqx.conf` or `base.hocon`: a TLS listener that insists on a client certificate, one authenticator, one authorizer,
 * and `no_match = deny`, since what EMQX 5 cannot ask is allowed by default. The plain listeners are switched off. `lintEmqxConfig` finds nothing in it.
 *
 * Before 5.7.1 no placeholder holds the certificate, so it is sent by way of the user name (`peer_cert_as_username = pem`), and the user name of the CONNECT is lost.
 *
 * @throws TypeError for a version that is not supported, what a version cannot do safely, or a value that cannot stand in the file
 */
export function emqxConfig(options: EmqxConfigOptions): string
/**
 * Renders the files that make EMQX 4.4 ask us and nobody else: a TLS listener that insists on a client certificate, the HTTP plugin, and a deny for what the hook does not decide.
 * No variable of 4.4 holds the certificate, so it is sent by way of the user name, and the user name of the CONNECT is lost.
 *
 * @throws TypeError as for EMQX 5
 */
export function emqxConfig(options: Emqx4ConfigOptions): Emqx4Config
export function emqxConfig(options: EmqxConfigOptions | Emqx4ConfigOptions): string | Emqx4Config {
  return isForEmqx4(options) ? emqx4Config(options) : emqx5Config(options)
}

function isForEmqx4(options: EmqxConfigOptions | Emqx4ConfigOptions): options is Emqx4ConfigOptions {
  return parseEmqxVersion(options.version)?.major === 4
}

function emqx5Config(options: EmqxConfigOptions): string {
  const release = releaseOf(options.version)
  const certificateKey = fillsPlaceholder(release, 'authenticator', 'cert_pem') ? 'cert_pem' : 'username'
  return [
    `## EMQX ${checkText('version', options.version)}: the certificate is the identity.`,
    '',
    ...listeners(release, options),
    ...crlCache(options),
    ...(certificateKey === 'username' ? certificateAsUsername : []),
    '',
    '## The only authenticator: one that is asked after ours could let in whom ours could not judge.',
    ...list('authentication', [
      ['mechanism = password_based', 'backend = http', ...hookLines('authenticator', release, options, certificateKey)],
    ]),
    ...(hasNodeCache(release) ? noNodeCache : []),
    '',
    ...block('authorization', [
      '## The default of EMQX 5 is allow, also for a source that is down.',
      'no_match = deny',
      'deny_action = ignore',
      'cache.enable = false',
      ...(hasNodeCache(release) ? ['node_cache.enable = false'] : []),
      ...list('sources', [['type = http', ...hookLines('authorizer', release, options, certificateKey)]]),
    ]),
    '',
  ].join('\n')
}

const certificateAsUsername = [
  '',
  '## No placeholder holds the certificate yet; as user name it reaches the hook whole.',
  'mqtt.peer_cert_as_username = pem',
]
const noNodeCache = [
  '## A cached answer would let a revoked device back in.',
  'authentication_settings.node_cache.enable = false',
]

function releaseOf(version: unknown): EmqxRelease {
  const release = parseEmqxVersion(version)
  if (release === undefined || release.major < 5 || !toleratesMissingValues(release)) {
    throw new TypeError('"version" must be a release of EMQX from 5.0.9 to 6.3, its line, or of 4.4')
  }
  return release
}

function listeners(release: EmqxRelease, { listener, crlCheck = false }: EmqxConfigOptions): string[] {
  const { tlsVersions = ['tlsv1.3', 'tlsv1.2'], proxyProtocol = false } = listener
  const enable = namesListenersEnable(release) ? 'enable' : 'enabled'
  if (proxyProtocol && !keepsCertificateBehindProxy(release)) {
    throw new TypeError(
      '"listener.proxyProtocol" needs EMQX 6.0.3, 6.1.2, 6.2.1 or later: before, it loses the certificate',
    )
  }
  checkCrlCheck(release, crlCheck)
  return [
    ...block('listeners.ssl.default', [
      `${enable} = true`,
      `bind = ${quote('listener.bind', listener.bind ?? '0.0.0.0:8883')}`,
      ...(proxyProtocol ? ['proxy_protocol = true'] : []),
      ...block('ssl_options', [
        `cacertfile = ${quote('listener.caFile', listener.caFile)}`,
        `certfile = ${quote('listener.certFile', listener.certFile)}`,
        `keyfile = ${quote('listener.keyFile', listener.keyFile)}`,
        'verify = verify_peer',
        '## Without this a client that shows no certificate is let in by the handshake.',
        'fail_if_no_peer_cert = true',
        '## A resumed session would skip the certificate check.',
        'reuse_sessions = false',
        ...(hasSessionTickets(release) ? ['session_tickets = disabled'] : []),
        `versions = [${checkTlsVersions(tlsVersions)
          .map(name => `"${name}"`)
          .join(', ')}]`,
        ...(checksCrls(release) ? [`enable_crl_check = ${crlCheck !== false}`] : []),
      ]),
    ]),
    ...['tcp', 'ws', 'wss'].map(type => `listeners.${type}.default.${enable} = false`),
  ]
}

function checkCrlCheck(release: EmqxRelease, crlCheck: unknown): void {
  if (crlCheck === false) return
  if (crlCheck !== 'der' && crlCheck !== 'pemFirst') {
    throw new TypeError('"crlCheck" must be false, or what the certificates name first: "der" or "pemFirst"')
  }
  if (!checksCrls(release)) throw new TypeError('"crlCheck" needs EMQX 5.0.22 or later')
  if (crlCheck === 'der' && !refreshesDerCrls(release)) {
    throw new TypeError(
      '"crlCheck" must be "pemFirst": before 6.0.3, 6.1.2 and 6.2.1 EMQX loses a CRL in DER at its first refresh and refuses everybody',
    )
  }
}

function crlCache({ crlCheck = false, crlCache: cache = {} }: EmqxConfigOptions): string[] {
  const refresh = checkInteger('crlCache.refreshSeconds', cache.refreshSeconds ?? 900, 60, 86_400)
  const capacity = checkInteger('crlCache.capacity', cache.capacity ?? 100, 1, 1_000_000)
  const fetch = checkInteger('crlCache.fetchSeconds', cache.fetchSeconds ?? 5, 1, 14)
  if (crlCheck === false) return []
  return [
    '',
    ...block('crl_cache', [
      `refresh_interval = "${refresh}s"`,
      '## Inside a handshake, which may take 15 s.',
      `http_timeout = "${fetch}s"`,
      `capacity = ${capacity}`,
    ]),
  ]
}
