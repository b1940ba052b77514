import { authenticateKeys, authorizeKeys, type EmqxBodyKey, type EmqxBodyKeys, resolveBodyKeys } from './emqx-body.ts'

/** Options of {@link emqxConfig}. */
export interface EmqxConfigOptions {
  /** 5.7 means 5.7.2 or later in that line: before, the answer's `acl` and `expire_at` are not understood. */
  readonly version: '5.7' | '5.8'
  /** Where the authenticator posts to; `http` or `https`. */
  readonly authUrl: string
  /** Where the authorizer posts to. */
  readonly authorizeUrl: string
  /** Sent with every request, for `authorizeCaller`. */
  readonly secretHeader?: { readonly name: string; readonly value: string }
  /** PEM file of the CAs that vouch for the authentication server. Needed for `https`: EMQX trusts no system CA, and by default does not verify at all. */
  readonly serverCaFile?: string
  /** The TLS listener. Files are paths on the broker's machine. */
  readonly listener: {
    /** Default `0.0.0.0:8883`. */
    readonly bind?: string
    /** PEM: the CAs of the devices, issuing CA and root. */
    readonly caFile: string
    readonly certFile: string
    readonly keyFile: string
  }
  /** Also check the CRL at the handshake: needs certificates with CRL distribution points that serve PEM first. Default false. */
  readonly crlCheck?: boolean
  readonly bodyKeys?: EmqxBodyKeys
  /** HTTP connections per node. Default 8. */
  readonly poolSize?: number
}

/**
 * Renders what makes EMQX ask us and nobody else, in HOCON for `emqx.conf` or `base.hocon`: a TLS listener that insists on a client certificate, one authenticator, one authorizer,
 * and `no_match = deny`, since what EMQX 5 cannot ask is allowed by default. The plain listeners are switched off.
 *
 * @throws TypeError for a version that is not there yet, or a value that cannot stand in the file
 */
export function emqxConfig(options: EmqxConfigOptions): string {
  const { version, listener, crlCheck = false, poolSize = 8 } = options
  if (version !== '5.7' && version !== '5.8')
    throw new TypeError('"version" must be "5.7" or "5.8": others are not there yet')
  if (!Number.isInteger(poolSize) || poolSize < 1) throw new TypeError('"poolSize" must be a positive integer')
  const names = resolveBodyKeys(options.bodyKeys)
  // `${qos}` and `${retain}` came to the authorizer later than 5.7, which would send them as they stand.
  const topicKeys = authorizeKeys.filter(key => version !== '5.7' || (key !== 'qos' && key !== 'retain'))
  const request = (label: 'authUrl' | 'authorizeUrl', keys: readonly EmqxBodyKey[]): string[] => [
    'method = post',
    `url = ${quoteUrl(label, options[label])}`,
    headers(options),
    body(keys, names),
    'request_timeout = "5s"',
    `pool_size = ${poolSize}`,
    ...ssl(label, options),
  ]
  return `## EMQX ${version}: the certificate is the identity.

listeners.ssl.default {
  bind = ${quote('listener.bind', listener.bind ?? '0.0.0.0:8883')}
  ssl_options {
    cacertfile = ${quote('listener.caFile', listener.caFile)}
    certfile = ${quote('listener.certFile', listener.certFile)}
    keyfile = ${quote('listener.keyFile', listener.keyFile)}
    verify = verify_peer
    ## Without this a client that shows no certificate is let in by the handshake.
    fail_if_no_peer_cert = true
    ## A resumed session would skip the certificate check.
    reuse_sessions = false
    versions = ["tlsv1.3", "tlsv1.2"]
    enable_crl_check = ${crlCheck}
  }
}
listeners.tcp.default.enable = false
listeners.ws.default.enable = false
listeners.wss.default.enable = false

## The only authenticator: one that is asked after ours could let in whom ours could not judge.
authentication = [
  {
    mechanism = password_based
    backend = http
    ${request('authUrl', authenticateKeys).join('\n    ')}
  }
]

authorization {
  ## The default is allow, also for a source that is down.
  no_match = deny
  deny_action = ignore
  cache.enable = false
  sources = [
    {
      type = http
      ${request('authorizeUrl', topicKeys).join('\n      ')}
    }
  ]
}
`
}

/** EMQX takes these instead of its default headers, so the content type is said, too. */
function headers({ secretHeader }: EmqxConfigOptions): string {
  const lines = ['"content-type" = "application/json"']
  if (secretHeader !== undefined) {
    const { name, value } = secretHeader
    if (!/^[A-Za-z0-9-]+$/.test(name) || name.toLowerCase() === 'content-type') {
      throw new TypeError('"secretHeader.name" must be a header name')
    }
    // A placeholder in it would be filled by what the client sends.
    if (value.includes('${')) throw new TypeError('"secretHeader.value" must not hold ${')
    lines.push(`${quote('secretHeader.name', name.toLowerCase())} = ${quote('secretHeader.value', value)}`)
  }
  return `headers { ${lines.join(', ')} }`
}

function body(keys: readonly EmqxBodyKey[], names: Readonly<Record<EmqxBodyKey, string>>): string {
  return `body { ${keys.map(key => `${quote('bodyKeys', names[key])} = "\${${key}}"`).join(', ')} }`
}

function ssl(label: 'authUrl' | 'authorizeUrl', options: EmqxConfigOptions): string[] {
  if (new URL(options[label]).protocol !== 'https:') return []
  if (options.serverCaFile === undefined) throw new TypeError(`"serverCaFile" is needed: "${label}" is https`)
  return [`ssl { enable = true, verify = verify_peer, cacertfile = ${quote('serverCaFile', options.serverCaFile)} }`]
}

function quoteUrl(label: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (!isHttp || url.username !== '' || url.password !== '' || url.hash !== '' || text.includes('${')) {
    throw new TypeError(`"${label}" must be an http or https URL without user, password, fragment or placeholder`)
  }
  return quote(label, url.href)
}

/** A HOCON string: JSON's syntax, in which `\${…}` is left to EMQX. */
function quote(label: string, text: string): string {
  if (typeof text !== 'string' || text === '' || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new TypeError(`"${label}" must be text without control characters`)
  }
  return JSON.stringify(text)
}
