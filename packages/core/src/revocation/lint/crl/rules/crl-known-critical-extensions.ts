import { extensionOids } from '@fleetcert/x509'
import type { CrlLintRule } from '../crl-rule.ts'

const known = new Set<string>([extensionOids.issuingDistributionPoint, extensionOids.deltaCrlIndicator])

export const crlKnownCriticalExtensions: CrlLintRule = {
  id: 'crl-known-critical-extensions',
  citation:
    'fleetcert: RFC 5280 sections 5.2 and 5.3 have whoever does not know a critical extension put the CRL aside',
  scope: 'fleetcert',
  severity: 'error',
  requirement:
    'Critical extensions of the list are among issuingDistributionPoint and deltaCRLIndicator; an entry has none.',
  check({ extensions = [] }) {
    const found = extensions.find(({ oid, critical }) => critical && !known.has(oid))
    return found === undefined ? undefined : `the critical extension ${found.oid} is not widely understood`
  },
  entries:
    () =>
    ({ extensions = [] }) =>
      extensions.some(({ critical }) => critical) ? 'a critical extension' : undefined,
}
