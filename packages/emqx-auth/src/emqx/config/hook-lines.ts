import { authenticateKeys, authorizeKeys, type EmqxBodyKey, resolveBodyKeys } from '../emqx-body.ts'
import { checkHookUrl, checkInteger, checkSecretHeader } from './config-values.ts'
import type { EmqxConfigOptions } from './emqx-config-options.ts'
import type { EmqxRelease } from './emqx-version.ts'
import { block, type HoconLine, quote } from './hocon-writer.ts'
import { fillsPlaceholder, type TemplateOwner } from './placeholders.ts'

/** What an authenticator and an authorizer have in common: whom to ask, and with what. @internal */
export function hookLines(
  owner: TemplateOwner,
  release: EmqxRelease,
  options: EmqxConfigOptions,
  certificateKey: 'cert_pem' | 'username',
): HoconLine[] {
  const label = owner === 'authenticator' ? 'authUrl' : 'authorizeUrl'
  const url = checkHookUrl(label, options[label], '${')
  const names = resolveBodyKeys(options.bodyKeys)
  const keys = bodyTemplate(owner, release, certificateKey)
  return [
    'method = post',
    `url = ${quote(label, url.href)}`,
    ...block('headers', headers(options)),
    ...block(
      'body',
      keys.map(([key, placeholder]) => `${quote('bodyKeys', names[key])} = "\${${placeholder}}"`),
    ),
    '## The hub answers within 4 s.',
    'request_timeout = "5s"',
    'connect_timeout = "5s"',
    `pool_size = ${checkInteger('poolSize', options.poolSize ?? 8, 1, 10_000)}`,
    `enable_pipelining = ${checkInteger('pipelining', options.pipelining ?? 100, 1, 10_000)}`,
    ...ssl(label, url, options),
  ]
}

/** The keys of a body and what fills them; a placeholder that the release does not know would be sent as it stands. */
function bodyTemplate(
  owner: TemplateOwner,
  release: EmqxRelease,
  certificateKey: 'cert_pem' | 'username',
): [EmqxBodyKey, string][] {
  const keys: readonly EmqxBodyKey[] = owner === 'authenticator' ? authenticateKeys : authorizeKeys
  const pairs = keys.flatMap((key): [EmqxBodyKey, string][] => {
    if (certificateKey === 'username' && key === 'username') return []
    if (owner === 'authenticator' && key === 'cert_pem') return [[key, certificateKey]]
    return fillsPlaceholder(release, owner, key) ? [[key, key]] : []
  })
  if (owner === 'authenticator') return pairs
  // EMQX keeps no certificate after CONNECT: what we told it then says which one it was.
  const told = 'client_attrs.fingerprint'
  if (fillsPlaceholder(release, owner, told)) return [...pairs, ['fingerprint', told]]
  return certificateKey === 'username' ? [...pairs, ['cert_pem', 'username']] : pairs
}

/** EMQX takes these instead of its default headers, so all of them are said. */
function headers({ secretHeader }: EmqxConfigOptions): string[] {
  const lines = [
    '"content-type" = "application/json"',
    '"accept" = "application/json"',
    '"connection" = "keep-alive"',
    '"keep-alive" = "timeout=30, max=1000"',
  ]
  if (secretHeader !== undefined) {
    const { name, value } = checkSecretHeader(secretHeader, '${')
    lines.push(`${quote('secretHeader.name', name)} = ${quote('secretHeader.value', value)}`)
  }
  return lines
}

function ssl(label: string, url: URL, options: EmqxConfigOptions): string[] {
  if (url.protocol !== 'https:') return []
  if (options.serverCaFile === undefined) throw new TypeError(`"serverCaFile" is needed: "${label}" is https`)
  return block('ssl', [
    'enable = true',
    'verify = verify_peer',
    `cacertfile = ${quote('serverCaFile', options.serverCaFile)}`,
  ])
}
