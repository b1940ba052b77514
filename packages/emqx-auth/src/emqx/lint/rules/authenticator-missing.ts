import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { chains, says } from '../rule-helpers.ts'

export const authenticatorMissing: EmqxLintRule = {
  id: 'authenticator-missing',
  severity: 'error',
  requirement: 'Every client is judged by an HTTP authenticator.',
  // "Empty or absent chain: anonymous clients are allowed."
  *check(settings) {
    for (const { name, line, links } of chains(settings)) {
      // Nothing of the plugin's file: it was not given.
      if (links === undefined || links.some(({ kind, isEnabled }) => isEnabled && kind === 'http')) continue
      const isEmpty = !links.some(({ isEnabled }) => isEnabled)
      yield {
        line,
        setting: name,
        message: isEmpty
          ? 'nobody is asked who the client is, so everybody is let in'
          : 'no HTTP authenticator: nobody asks whether the certificate was revoked',
        fix: 'write one with emqxConfig; for EMQX 4 give etc/plugins/emqx_auth_http.conf to the lint, too',
      }
    }
    for (const { name, get } of settings.listeners) {
      const isAsked = get('enable_authn')
      if (!says(isAsked, false)) continue
      yield {
        line: isAsked!.line,
        setting: `${name}.enable_authn`,
        message: 'who connects here is let in without being asked about',
        fix: 'enable_authn = true',
      }
    }
  },
}
