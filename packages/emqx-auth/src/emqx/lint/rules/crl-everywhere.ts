import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { crlListeners, isOnLoopback } from '../rule-helpers.ts'

export const crlEverywhere: EmqxLintRule = {
  id: 'crl-everywhere',
  severity: 'error',
  requirement: 'Where one listener checks CRLs, all listeners that take certificates do.',
  // CRLs are checked on ssl listeners alone, neither on wss nor on QUIC.
  *check(settings) {
    const checking = new Set(crlListeners(settings).map(({ name }) => name))
    if (checking.size === 0) return
    for (const listener of settings.listeners) {
      const { type, name, line, tls, isImplied } = listener
      const isJudged = type !== 'tcp' && type !== 'ws' && !isImplied && !isOnLoopback(listener)
      // Of wss the setting does nothing.
      if (!isJudged || (type === 'ssl' && checking.has(name))) continue
      yield {
        line,
        setting: name,
        message: 'another listener checks CRLs and this one does not: a revoked device comes in here',
        fix:
          type === 'ssl'
            ? `${tls.name}.enable_crl_check = true`
            : 'switch it off: EMQX checks CRLs on ssl listeners alone',
      }
    }
  },
}
