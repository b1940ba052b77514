import { fetchesCrlsOverHttps } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { crlListeners, has } from '../rule-helpers.ts'

export const crlDistributionPoint: EmqxLintRule = {
  id: 'crl-distribution-point',
  severity: 'error',
  requirement: 'Where CRLs are checked, the certificates say where one is, and EMQX can get it.',
  // A certificate without a URL fails the handshake: no_relevant_crls. Before 6.2.0 URLs that do not begin with http: are passed over (emqx#16683).
  *check(settings) {
    const { deviceCertificate } = settings
    if (deviceCertificate === undefined) return
    const urls = deviceCertificate.crlDistributionPoints ?? []
    const isReachable = (url: string): boolean =>
      /^http:/i.test(url) || (/^https:/i.test(url) && has(settings, fetchesCrlsOverHttps, false))
    if (urls.some(isReachable)) return
    for (const { tls } of crlListeners(settings)) {
      yield {
        line: tls.get('enable_crl_check')!.line,
        setting: `${tls.name}.enable_crl_check`,
        message:
          urls.length === 0
            ? 'the certificate names no CRL, so its handshake is refused'
            : 'the certificate names no CRL that EMQX fetches: http, or from 6.2.0 on https',
        fix: 'issue with publish: { baseUrl } of http, or leave enable_crl_check off and let the hook decide',
      }
    }
  },
}
