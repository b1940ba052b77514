import { extendedKeyUsageOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const serverAuthNames: LintRule = {
  id: 'server-auth-names',
  citation: 'RFC 9525 sections 2 and 6.1',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'A certificate for serverAuth has a DNS name, an IP address, a URI or an SRV name in subjectAltName.',
  // Servers are identified by DNS-ID, IP-ID, SRV-ID or URI-ID; the common name is not looked at any more.
  check({ extendedKeyUsage, subjectAltName }, { isCa }) {
    if (isCa || !extendedKeyUsage?.includes(extendedKeyUsageOids.serverAuth)) return undefined
    return subjectAltName?.some(({ type }) => type !== 'email' && type !== 'directoryName')
      ? undefined
      : 'serverAuth without a name of a server in subjectAltName'
  },
}
