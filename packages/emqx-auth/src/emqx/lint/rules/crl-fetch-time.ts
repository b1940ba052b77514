import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { crlListeners, seconds } from '../rule-helpers.ts'

export const crlFetchTime: EmqxLintRule = {
  id: 'crl-fetch-time',
  severity: 'warning',
  requirement: 'Fetching a CRL takes less time than a handshake may.',
  // A CRL that is not there yet is fetched inside the handshake; both times are 15 s by default.
  *check(settings) {
    const name = settings.format === 'emqx4' ? 'crl_cache_http_timeout' : 'crl_cache.http_timeout'
    const timeout = settings.root.get(name)
    const fetch = timeout === undefined ? 15 : seconds(timeout)
    for (const { tls } of crlListeners(settings)) {
      const written = tls.get('handshake_timeout')
      const handshake = written === undefined ? 15 : seconds(written)
      if (fetch !== undefined && handshake !== undefined && fetch < handshake) continue
      yield {
        line: (timeout ?? tls.get('enable_crl_check')!).line,
        setting: name,
        message:
          'a slow answer to the fetch of a CRL uses up the whole handshake, so devices that reconnect after a restart all fail at once',
        fix: `${name} = "5s"`,
      }
    }
  },
}
