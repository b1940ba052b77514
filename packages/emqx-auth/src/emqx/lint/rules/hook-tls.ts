import { isPrivateHost } from '../../config/config-values.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { hooks, says } from '../rule-helpers.ts'

export const hookTls: EmqxLintRule = {
  id: 'hook-tls',
  severity: 'error',
  requirement: 'A hook is asked over TLS whose certificate is verified, or within a private network.',
  // The default is verify_none, and https without ssl.enable is refused.
  *check(settings) {
    const isOld = settings.format === 'emqx4'
    for (const { url, tls, name, line } of hooks(settings)) {
      const address = typeof url?.value === 'string' && URL.canParse(url.value) ? new URL(url.value) : undefined
      if (address?.protocol === 'http:' && !isPrivateHost(address.hostname)) {
        yield {
          line: url!.line,
          setting: `${name}.url`,
          message: 'secret and answers cross a public network in the clear, where anybody can answer allow',
          fix: 'https, with ssl verified',
        }
      }
      if (address?.protocol !== 'https:') continue
      const [enable, verify] = [tls.get('enable'), tls.get('verify')]
      if (!isOld && !says(enable, true)) {
        yield {
          line: enable?.line ?? line,
          setting: `${tls.name}.enable`,
          message: 'EMQX refuses https without it',
          fix: 'ssl.enable = true',
        }
      }
      if (!says(verify, isOld ? true : 'verify_peer')) {
        yield {
          line: verify?.line ?? line,
          setting: `${tls.name}.verify`,
          message: 'the certificate of the hook is not verified: who stands in between can answer allow',
          fix: isOld ? 'auth.http.ssl.verify = true, with cacertfile' : 'ssl.verify = verify_peer, with cacertfile',
        }
      } else if (tls.get('cacertfile') === undefined) {
        yield {
          line: verify!.line,
          setting: `${tls.name}.cacertfile`,
          message: 'EMQX trusts no CA of the system, so the hook is never reached and everybody is refused',
          fix: 'cacertfile = the CA of the hook',
        }
      }
    }
  },
}
