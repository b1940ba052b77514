import { checkServers, checkWord, type HaproxyServer, serverLine } from './haproxy-values.ts'

/** The hubs of one fleet behind HAProxy. */
export interface HaproxyHubs {
  /** Where brokers and operators reach them, plain HTTP: an address of the private network, for the secrets of both pass it. */
  readonly bind: string
  /** Where devices reach them; TLS is passed through, so that a hub sees the device's certificate. Needs the `tlsPort` of each. Default: devices do not. */
  readonly deviceBind?: string
  /** `port` speaks plain HTTP, `tlsPort` TLS with `deviceTlsOptions`; both answer `GET /api/health`. */
  readonly servers: readonly (HaproxyServer & { readonly tlsPort?: number })[]
}

/** Where a hub says whether it can be asked. */
const check = [
  '  option httpchk',
  '  http-check send meth GET uri /api/health ver HTTP/1.1 hdr Host hub',
  '  http-check expect status 200',
  '  timeout check 3s',
]
/** A hub that leaves says so for longer than this: see `createDrain`. */
const pace = 'inter 1s fall 2 rise 2'

/** Frontends and backends of hubs. @throws TypeError */
export function hubSections({ bind, deviceBind, servers }: HaproxyHubs): readonly string[] {
  checkServers('hubs.servers', servers)
  const lines = [
    '',
    '# Brokers and operators.',
    'frontend hubs',
    '  mode http',
    `  bind ${checkWord('hubs.bind', bind)}`,
    '  # EMQX keeps its connections for 30 s.',
    '  timeout client 65s',
    '  # Nobody here ends TLS for a device.',
    '  http-request del-header Client-Cert',
    '  http-request del-header Client-Cert-Chain',
    '  # What it says holds for the way from the hub to here.',
    '  http-response del-header Keep-Alive',
    '  use_backend hubs-any if { nbsrv(hubs) lt 1 }',
    '  default_backend hubs',
    '',
    'backend hubs',
    '  mode http',
    '  balance leastconn',
    '  timeout connect 1s',
    '  timeout server 65s',
    ...check,
    '  # Whoever died before it answered: another one is asked, where asking twice does no harm.',
    '  retries 3',
    '  option redispatch 1',
    '  retry-on conn-failure empty-response',
    '  acl asks path_end /api/devices/certificates/validate /api/devices/certificates/authorize',
    '  http-request disable-l7-retry unless METH_GET or METH_HEAD or asks',
    `  default-server check ${pace}`,
    ...servers.map(server => serverLine('hubs.servers', server, server.port, '').trimEnd()),
    '',
    '# None is ready, such as with a store that is away: those that run refuse by themselves, and say why.',
    'backend hubs-any',
    '  mode http',
    '  timeout connect 1s',
    '  timeout server 65s',
    '  retries 3',
    '  option redispatch 1',
    `  default-server check ${pace}`,
    ...servers.map(server => serverLine('hubs.servers', server, server.port, '').trimEnd()),
  ]
  return deviceBind === undefined ? lines : [...lines, ...deviceSections(deviceBind, servers)]
}

function deviceSections(deviceBind: string, servers: HaproxyHubs['servers']): readonly string[] {
  const list = servers.map(server => serverLine('hubs.servers.tlsPort', server, server.tlsPort ?? 0, '').trimEnd())
  return [
    '',
    '# Devices that enrol and renew: the hubs see their certificates.',
    'frontend hubs-tls',
    `  bind ${checkWord('hubs.deviceBind', deviceBind)}`,
    '  timeout client 65s',
    ...onlyTls,
    '  use_backend hubs-tls-any if { nbsrv(hubs-tls) lt 1 }',
    '  default_backend hubs-tls',
    '',
    'backend hubs-tls',
    '  balance leastconn',
    '  timeout connect 1s',
    '  timeout server 65s',
    ...check,
    '  retries 3',
    '  option redispatch 1',
    '  # Health is no secret, and devices verify the hub themselves.',
    `  default-server check check-ssl verify none ${pace}`,
    ...list,
    '',
    'backend hubs-tls-any',
    '  balance leastconn',
    '  timeout connect 1s',
    '  timeout server 65s',
    '  retries 3',
    '  option redispatch 1',
    `  default-server check ${pace}`,
    ...list,
  ]
}

/** Of a frontend that passes TLS through. */
export const onlyTls: readonly string[] = [
  '  # What does not begin with a ClientHello is not TLS.',
  '  tcp-request inspect-delay 5s',
  '  tcp-request content accept if { req.ssl_hello_type 1 }',
  '  tcp-request content reject',
]
