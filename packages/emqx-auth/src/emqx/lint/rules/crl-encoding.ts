import { refreshesDerCrls } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { crlListeners, has } from '../rule-helpers.ts'

export const crlEncoding: EmqxLintRule = {
  id: 'crl-encoding',
  severity: 'error',
  requirement: 'The certificates name a CRL in PEM first where EMQX refreshes from PEM alone.',
  // emqx#17135: what came in DER became an empty list at the first refresh, and then every handshake fails with no_relevant_crls.
  *check(settings) {
    const [first] = settings.deviceCertificate?.crlDistributionPoints ?? []
    if (first === undefined || /\.pem$/i.test(pathOf(first)) || has(settings, refreshesDerCrls, false)) return
    for (const { tls } of crlListeners(settings)) {
      yield {
        line: tls.get('enable_crl_check')!.line,
        setting: `${tls.name}.enable_crl_check`,
        message:
          'the first CRL URL of the certificate does not end in .pem; before EMQX 6.0.3, 6.1.2 and 6.2.1 a CRL in DER is lost at its first refresh, and all devices are refused',
        fix: "issue with publish.crl: 'pemFirst', or update EMQX, or leave enable_crl_check off and let the hook decide",
      }
    }
  },
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : url
}
