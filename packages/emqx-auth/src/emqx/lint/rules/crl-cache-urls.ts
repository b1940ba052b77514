import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { crlListeners } from '../rule-helpers.ts'

export const crlCacheUrls: EmqxLintRule = {
  id: 'crl-cache-urls',
  severity: 'error',
  requirement: 'EMQX 4.4 has the URL of each CRL, as it stands in the certificates.',
  // emqx#9732: what is not listed, letter by letter, is not found.
  *check(settings) {
    if (settings.format !== 'emqx4') return
    for (const { tls } of crlListeners(settings)) {
      const listed = tls.get('crl_cache_urls')
      const urls = typeof listed?.value === 'string' ? listed.value.split(',').map(url => url.trim()) : []
      const named = settings.deviceCertificate?.crlDistributionPoints
      if (urls.some(url => url !== '') && (named === undefined || named.some(url => urls.includes(url)))) continue
      yield {
        line: (listed ?? tls.get('enable_crl_check')!).line,
        setting: `${tls.name}.crl_cache_urls`,
        message: 'EMQX 4.4 finds only CRLs whose URLs stand here, and the certificate has none of them',
        fix: 'list the URLs of the certificates, letter by letter',
      }
    }
  },
}
