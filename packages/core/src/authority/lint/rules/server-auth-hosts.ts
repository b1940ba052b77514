import { extendedKeyUsageOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const serverAuthHosts: LintRule = {
  id: 'server-auth-hosts',
  citation: 'fleetcert: MQTT and HTTPS clients look for a DNS name or an IP address (RFC 9525 sections 6.3 and 6.4)',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'A certificate for serverAuth has a DNS name or an IP address in subjectAltName.',
  check({ extendedKeyUsage, subjectAltName }, { isCa }) {
    if (isCa || !extendedKeyUsage?.includes(extendedKeyUsageOids.serverAuth)) return undefined
    return subjectAltName?.some(({ type }) => type === 'dns' || type === 'ip')
      ? undefined
      : 'serverAuth without a DNS name or IP address in subjectAltName'
  },
}
