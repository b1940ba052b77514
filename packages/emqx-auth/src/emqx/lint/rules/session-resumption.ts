import { resumesOnRequest } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { has, says, tlsListeners } from '../rule-helpers.ts'

export const sessionResumption: EmqxLintRule = {
  id: 'session-resumption',
  severity: 'warning',
  requirement: 'TLS sessions are not resumed.',
  // A resumed handshake shows no certificate again: neither expiry nor CRL is looked at.
  *check(settings) {
    for (const { tls, isImplied, type } of tlsListeners(settings)) {
      if (isImplied) continue
      const reuse = tls.get('reuse_sessions')
      const isOff = says(reuse, false) || (reuse === undefined && has(settings, resumesOnRequest, false))
      if (!isOff && (type === 'ssl' || settings.format === 'hocon')) {
        yield {
          line: reuse?.line ?? tls.line,
          setting: `${tls.name}.reuse_sessions`,
          message: 'a session that is resumed passes without a look at the certificate',
          fix: `reuse_sessions = ${settings.format === 'emqx4' ? 'off' : 'false'}`,
        }
      }
      const tickets = tls.get('session_tickets')
      if (tickets === undefined || says(tickets, 'disabled')) continue
      yield {
        line: tickets.line,
        setting: `${tls.name}.session_tickets`,
        message: 'a session that is resumed by a ticket passes without a look at the certificate',
        fix: 'session_tickets = disabled',
      }
    }
  },
}
