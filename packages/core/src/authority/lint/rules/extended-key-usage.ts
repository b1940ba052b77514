import { extendedKeyUsageOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

const anyExtendedKeyUsage = '2.5.29.37.0'

export const extendedKeyUsage: LintRule = {
  id: 'extended-key-usage',
  citation: 'RFC 5280 section 4.2.1.12',
  check(certificate) {
    if (certificate.basicConstraints?.cA === true) return undefined
    const purposes = certificate.extendedKeyUsage
    if (purposes === undefined) return 'an end entity without extendedKeyUsage may be used for anything'
    if (purposes.length === 0) return 'extendedKeyUsage is empty'
    if (purposes.includes(anyExtendedKeyUsage)) return 'anyExtendedKeyUsage'
    // RFC 9525 section 6.3: servers are identified by subjectAltName alone.
    if (purposes.includes(extendedKeyUsageOids.serverAuth)) {
      const named = certificate.subjectAltName?.some(({ type }) => type === 'dns' || type === 'ip') === true
      if (!named) return 'serverAuth without a DNS name or IP address in subjectAltName'
    }
    return undefined
  },
}
