import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { crlListeners, says } from '../rule-helpers.ts'

export const crlCheckVerifyPeer: EmqxLintRule = {
  id: 'crl-check-verify-peer',
  severity: 'error',
  requirement: 'CRLs are checked only where certificates are verified.',
  // In 4.4 it silently does nothing (emqx#10561), from 5 on EMQX refuses the file.
  *check(settings) {
    for (const { tls } of crlListeners(settings)) {
      if (says(tls.get('verify'), 'verify_peer')) continue
      yield {
        line: tls.get('enable_crl_check')!.line,
        setting: `${tls.name}.enable_crl_check`,
        message: 'without verify_peer no certificate is asked for, so no CRL is looked at',
        fix: 'verify = verify_peer',
      }
    }
  },
}
