import { keepsCertificateBehindProxy } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { has, says } from '../rule-helpers.ts'

export const proxyProtocol: EmqxLintRule = {
  id: 'proxy-protocol',
  severity: 'error',
  requirement: 'The certificate survives the way through the load balancer.',
  // emqx#17223. Where the balancer ends TLS, PROXY protocol v2 carries the common name alone.
  *check(settings) {
    for (const { type, get, name } of settings.listeners) {
      const proxy = get('proxy_protocol')
      if (!says(proxy, true)) continue
      const setting = `${name}.proxy_protocol`
      if (type === 'tcp' || type === 'ws') {
        yield {
          line: proxy!.line,
          setting,
          message:
            'a balancer that ends TLS passes the common name on and not the certificate, so the hook denies every device',
          fix: 'pass TLS through to an ssl listener',
        }
      } else if (!has(settings, keepsCertificateBehindProxy, false)) {
        yield {
          ...(settings.release === undefined && settings.format === 'hocon' ? { severity: 'warning' as const } : {}),
          line: proxy!.line,
          setting,
          message:
            'before EMQX 6.0.3, 6.1.2 and 6.2.1 TLS behind PROXY protocol v2 loses the certificate, and every device is denied',
          fix: 'proxy_protocol = false, and no send-proxy-v2 in HAProxy; or update EMQX',
        }
      }
    }
  },
}
