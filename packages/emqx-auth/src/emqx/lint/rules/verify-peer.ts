import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { says, tlsListeners } from '../rule-helpers.ts'

export const verifyPeer: EmqxLintRule = {
  id: 'verify-peer',
  severity: 'error',
  requirement: 'A TLS listener asks for a certificate and verifies it.',
  // "verify: default verify_none"
  *check(settings) {
    for (const listener of tlsListeners(settings)) {
      const verify = listener.tls.get('verify')
      if (says(verify, 'verify_peer')) continue
      yield {
        line: verify?.line ?? listener.tls.line,
        setting: `${listener.tls.name}.verify`,
        message: listener.isImplied
          ? 'EMQX starts this listener by itself, and it takes clients without looking at a certificate'
          : 'the listener takes clients without looking at a certificate',
        fix: listener.isImplied ? `${listener.name}.enable = false` : 'verify = verify_peer',
      }
    }
  },
}
