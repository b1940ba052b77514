import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import type { EmqxSettings, Hook } from '../emqx-settings.ts'
import { hooks, placeholdersOf, says, tlsListeners } from '../rule-helpers.ts'

export const hookRequest: EmqxLintRule = {
  id: 'hook-request',
  severity: 'error',
  requirement: 'EMQX can send the request of a hook, and with the certificate.',
  *check(settings) {
    for (const { method, headers, body, name, line, owner } of hooks(settings)) {
      const isGet = says(method, 'get')
      const type = headers.find(({ key }) => key.toLowerCase() === 'content-type')
      if (type !== undefined && isGet && settings.format === 'hocon') {
        yield {
          line: type.line,
          setting: type.name,
          message: 'EMQX refuses a content-type with GET',
          fix: 'method = post',
        }
      } else if (type !== undefined && !says(type, 'application/json', 'application/x-www-form-urlencoded')) {
        // "unknown_content_type_header_value": a charset is enough.
        yield {
          line: type.line,
          setting: type.name,
          message: 'EMQX sends nothing with another content-type than these two, letter by letter',
          fix: '"content-type" = "application/json"',
        }
      }
      if (isGet && owner === 'authenticator') {
        yield {
          severity: 'warning',
          line: method!.line,
          setting: method!.name,
          message: 'with GET the certificate stands in the URL, which proxies write to their logs and cut',
          fix: 'method = post',
        }
      }
      for (const { value, line: where, name: field } of body) {
        if (typeof value === 'string') continue
        yield {
          line: where,
          setting: field,
          message: 'EMQX takes a flat map of strings alone',
          fix: 'put it in quotes',
        }
      }
      if (owner === 'authenticator' && !sendsCertificate(settings, body)) {
        yield {
          line,
          setting: `${name}.${settings.format === 'emqx4' ? 'params' : 'body'}`,
          message: 'the hook does not get the certificate, so it has to believe a name',
          fix:
            settings.format === 'emqx4'
              ? 'cert_pem=%u, with peer_cert_as_username = pem on the ssl listeners'
              : '"cert_pem" = "${cert_pem}" (EMQX 5.7.1 or later), before "cert_pem" = "${username}" with mqtt.peer_cert_as_username = pem',
        }
      }
    }
  },
}

function sendsCertificate(settings: EmqxSettings, body: Hook['body']): boolean {
  const names = body.flatMap(field => placeholdersOf(field, settings.format))
  if (settings.format === 'hocon') {
    const isUsername = says(settings.root.get('mqtt.peer_cert_as_username'), 'pem')
    return names.includes('cert_pem') || (isUsername && names.includes('username'))
  }
  const listeners = tlsListeners(settings).filter(({ type }) => type === 'ssl')
  return names.includes('%u') && listeners.every(({ tls }) => says(tls.get('peer_cert_as_username'), 'pem'))
}
