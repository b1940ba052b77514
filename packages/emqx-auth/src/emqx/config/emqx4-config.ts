import { type EmqxBodyKey, resolveBodyKeys } from '../emqx-body.ts'
import { checksCrls } from './broker-features.ts'
import { checkHookUrl, checkInteger, checkSecretHeader, checkText, checkTlsVersions } from './config-values.ts'
import type { EmqxCommonOptions } from './emqx-config-options.ts'
import { type EmqxVersion, parseEmqxVersion } from './emqx-version.ts'

/** Options of `emqxConfig` for EMQX 4.4. */
export interface Emqx4ConfigOptions extends EmqxCommonOptions {
  /** 4.4, or a release of it. */
  readonly version: Extract<EmqxVersion, `4.${string}`>
  /** Where {@link Emqx4Config.aclConf} will be. EMQX's own `acl.conf` ends in `{allow, all}`, which is asked when the hook does not answer. Default `etc/fleetcert-acl.conf`, as seen from EMQX's folder. */
  readonly aclFile?: string
  /** Also check CRLs at the handshake. EMQX 4.4 fetches from these URLs alone, from PEM alone, and each must be in the certificates letter by letter. From 4.4.11 on. */
  readonly crlUrls?: readonly string[]
}

/** The files of EMQX 4.4. */
export interface Emqx4Config {
  /** To be appended to `etc/emqx.conf`: of two lines for one key EMQX takes the last. */
  readonly emqxConf: string
  /** `etc/plugins/emqx_auth_http.conf`, whole. The plugin is switched on by `{emqx_auth_http, true}.` in `data/loaded_plugins`. */
  readonly pluginConf: string
  /** The file that {@link Emqx4ConfigOptions.aclFile} names. */
  readonly aclConf: string
}

// `%x` is filled only where it is the whole value. No variable holds the certificate, so it comes as the user name.
const authParameters: Partial<Record<EmqxBodyKey, string>> = {
  clientid: '%c',
  peerhost: '%a',
  cert_pem: '%u',
  cert_common_name: '%C',
  cert_subject: '%d',
}
const aclParameters: Partial<Record<EmqxBodyKey, string>> = {
  clientid: '%c',
  cert_pem: '%u',
  cert_common_name: '%C',
  action: '%A',
  topic: '%t',
}

/** @internal */
export function emqx4Config(options: Emqx4ConfigOptions): Emqx4Config {
  const release = parseEmqxVersion(options.version)
  if (release?.major !== 4) throw new TypeError('"version" must be 4.4 or a release of it')
  const { listener, crlUrls = [] } = options
  if (crlUrls.length > 0 && !checksCrls(release)) throw new TypeError('"crlUrls" needs EMQX 4.4.11 or later')
  const { aclFile = 'etc/fleetcert-acl.conf' } = options
  if (/(?:^|\/)etc\/acl\.conf$/.test(aclFile)) throw new TypeError('"aclFile" must not be the one that comes with EMQX')
  const ssl = 'listener.ssl.external'
  const emqxConf = [
    `## EMQX ${options.version}: the certificate is the identity.`,
    'allow_anonymous = false',
    'acl_nomatch = deny',
    'acl_deny_action = ignore',
    'enable_acl_cache = off',
    '## Asked when the hook does not answer; the one that comes with EMQX ends in {allow, all}.',
    line('acl_file', 'aclFile', aclFile),
    'zone.external.allow_anonymous = false',
    'zone.external.enable_acl = on',
    'zone.internal.allow_anonymous = false',
    'zone.internal.enable_acl = on',
    'zone.internal.bypass_auth_plugins = false',
    '',
    line(ssl, 'listener.bind', listener.bind ?? '0.0.0.0:8883'),
    '## Without fail_if_no_peer_cert a client that shows no certificate is let in by the handshake. No variable of the plugin holds the certificate; as user name it reaches the hook whole.',
    ...tls(ssl, listener),
    '## A resumed session would skip the certificate check.',
    `${ssl}.reuse_sessions = off`,
    ...(checksCrls(release) ? [`${ssl}.enable_crl_check = ${crlUrls.length > 0}`] : []),
    ...(crlUrls.length > 0 ? [line(`${ssl}.crl_cache_urls`, 'crlUrls', crlUrls.map(checkCrlUrl).join(','))] : []),
    // Inside a handshake, which may take 15 s, as the default of this.
    ...(crlUrls.length > 0 ? ['crl_cache_http_timeout = 5s'] : []),
    '',
    '## The emqx.conf that comes with EMQX starts these, and a line cannot be taken back: not beyond this machine.',
    'listener.tcp.external = 127.0.0.1:1883',
    'listener.ws.external = 127.0.0.1:8083',
    'listener.wss.external = 127.0.0.1:8084',
    ...tls('listener.wss.external', listener),
    '',
  ]
  const isHttps = [hook('authUrl', options), hook('authorizeUrl', options)].some(url => url.protocol === 'https:')
  const pluginConf = [
    `## EMQX ${options.version}: we are asked, and nobody else.`,
    ...request('auth_req', 'authUrl', authParameters, options),
    '',
    ...request('acl_req', 'authorizeUrl', aclParameters, options),
    '',
    '## The hub answers within 4 s.',
    'auth.http.timeout = 5s',
    'auth.http.connect_timeout = 5s',
    `auth.http.pool_size = ${checkInteger('poolSize', options.poolSize ?? 8, 1, 10_000)}`,
    `auth.http.enable_pipelining = ${checkInteger('pipelining', options.pipelining ?? 100, 1, 10_000)}`,
    ...(isHttps ? serverTls(options.serverCaFile) : []),
    '',
  ]
  return { emqxConf: emqxConf.join('\n'), pluginConf: pluginConf.join('\n'), aclConf: '{deny, all}.\n' }
}

function tls(name: string, listener: Emqx4ConfigOptions['listener']): string[] {
  return [
    `${name}.zone = external`,
    line(`${name}.cacertfile`, 'listener.caFile', listener.caFile),
    line(`${name}.certfile`, 'listener.certFile', listener.certFile),
    line(`${name}.keyfile`, 'listener.keyFile', listener.keyFile),
    `${name}.verify = verify_peer`,
    `${name}.fail_if_no_peer_cert = true`,
    `${name}.tls_versions = ${checkTlsVersions(listener.tlsVersions ?? ['tlsv1.3', 'tlsv1.2']).join(',')}`,
    `${name}.peer_cert_as_username = pem`,
  ]
}

function hook(label: 'authUrl' | 'authorizeUrl', options: Emqx4ConfigOptions): URL {
  return checkHookUrl(label, options[label], '%%')
}

function request(
  name: 'auth_req' | 'acl_req',
  label: 'authUrl' | 'authorizeUrl',
  parameters: Partial<Record<EmqxBodyKey, string>>,
  options: Emqx4ConfigOptions,
): string[] {
  const key = `auth.http.${name}`
  const names = resolveBodyKeys(options.bodyKeys, 'emqx4')
  const pairs = Object.entries(parameters).map(([body, variable]) => `${names[body as EmqxBodyKey]}=${variable}`)
  const secret = options.secretHeader === undefined ? undefined : checkSecretHeader(options.secretHeader, '%%')
  return [
    line(`${key}.url`, label, hook(label, options).href),
    `${key}.method = post`,
    `${key}.headers.content_type = application/json`,
    ...(secret === undefined ? [] : [line(`${key}.headers.${secret.name}`, 'secretHeader.value', secret.value)]),
    `${key}.params = ${pairs.join(',')}`,
  ]
}

function serverTls(caFile: string | undefined): string[] {
  if (caFile === undefined) throw new TypeError('"serverCaFile" is needed: a hook is https')
  return [line('auth.http.ssl.cacertfile', 'serverCaFile', caFile), 'auth.http.ssl.verify = true']
}

function checkCrlUrl(url: string): string {
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:' || /[,\s]/.test(url)) {
    throw new TypeError('"crlUrls" must hold http URLs')
  }
  return url
}

/** A value goes to the end of its line; a # would end it before, and `$(` stands for another key. */
function line(key: string, label: string, value: unknown): string {
  const text = checkText(label, value)
  if (text.trim() !== text || !/^[\x20-\x7e]+$/.test(text) || text.includes('#') || text.includes('$(')) {
    throw new TypeError(`"${label}" must be ASCII without #, $( or outer spaces`)
  }
  return `${key} = ${text}`
}
