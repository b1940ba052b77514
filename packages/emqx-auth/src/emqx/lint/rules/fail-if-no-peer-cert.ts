import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { says, tlsListeners } from '../rule-helpers.ts'

export const failIfNoPeerCert: EmqxLintRule = {
  id: 'fail-if-no-peer-cert',
  severity: 'error',
  requirement: 'A TLS listener refuses a client that shows no certificate.',
  // False by default, even with verify_peer (emqx#13253).
  *check(settings) {
    for (const { tls, isImplied } of tlsListeners(settings)) {
      const insists = tls.get('fail_if_no_peer_cert')
      if (isImplied || says(insists, true)) continue
      yield {
        line: insists?.line ?? tls.line,
        setting: `${tls.name}.fail_if_no_peer_cert`,
        message: 'a client that shows no certificate passes the handshake',
        fix: 'fail_if_no_peer_cert = true, with verify = verify_peer',
      }
    }
  },
}
