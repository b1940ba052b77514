import { showsQuicCertificates } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { has } from '../rule-helpers.ts'

export const quicListener: EmqxLintRule = {
  id: 'quic-listener',
  severity: 'error',
  requirement: 'No QUIC listener where it cannot show the certificate of its clients.',
  // emqx#16694: the certificate reaches authenticators from 6.3 on; `fail_if_no_peer_cert` is not there at all.
  *check(settings) {
    if (has(settings, showsQuicCertificates, false)) return
    for (const { type, name, line } of settings.listeners) {
      if (type !== 'quic') continue
      yield {
        line,
        setting: name,
        message: 'before EMQX 6.3 no certificate of a QUIC client is asked for or shown to the hook',
        fix: `${name}.enable = false`,
      }
    }
  },
}
