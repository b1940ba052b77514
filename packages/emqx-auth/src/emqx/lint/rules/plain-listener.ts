import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { hooks, isOnLoopback, placeholdersOf, says } from '../rule-helpers.ts'

export const plainListener: EmqxLintRule = {
  id: 'plain-listener',
  severity: 'warning',
  requirement: 'No listener without TLS is reachable from another machine.',
  *check(settings) {
    const { listeners, format } = settings
    // Where the certificate comes as the user name, here it is whatever the client says: anybody's certificate, which is no secret.
    const username = format === 'emqx4' ? '%u' : 'username'
    const isBelieved = hooks(settings).some(({ body }) =>
      body.some(field => /^cert/.test(field.key) && placeholdersOf(field, format).includes(username)),
    )
    for (const listener of listeners) {
      const { type, bind, name, line, isImplied, get } = listener
      if ((type !== 'tcp' && type !== 'ws') || isOnLoopback(listener) || says(get('proxy_protocol'), true)) continue
      yield {
        ...(isBelieved ? { severity: 'error' as const } : {}),
        line: bind?.line ?? line,
        setting: name,
        message: `${isImplied ? 'EMQX starts this listener by itself; ' : ''}${
          isBelieved
            ? 'the hook takes the user name for the certificate, and here a client may write anybody’s'
            : 'nobody shows a certificate here, and all that is sent is in the clear'
        }`,
        fix: format === 'emqx4' ? 'bind it to 127.0.0.1, or take the line out' : `${name}.enable = false`,
      }
    }
  },
}
