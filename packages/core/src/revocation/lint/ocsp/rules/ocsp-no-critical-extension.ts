import { extensionListsOf } from '../ocsp-extensions.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspNoCriticalExtension: OcspLintRule = {
  id: 'ocsp-no-critical-extension',
  citation: 'fleetcert: a client that does not know a critical extension puts the answer aside',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'No extension is critical.',
  checkBasic(response) {
    const critical = extensionListsOf(response).flatMap(list => list.filter(({ critical }) => critical))[0]
    return critical === undefined ? undefined : `the extension ${critical.oid} is critical`
  },
}
