import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

const known = new Set<string>([
  extensionOids.keyUsage,
  extensionOids.basicConstraints,
  extensionOids.subjectAltName,
  extensionOids.extendedKeyUsage,
  extensionOids.nameConstraints,
])

export const knownCriticalExtensions: LintRule = {
  id: 'known-critical-extensions',
  citation: 'fleetcert: RFC 5280 section 4.2 has whoever does not know a critical extension refuse the certificate',
  scope: 'fleetcert',
  severity: 'error',
  requirement:
    'Critical extensions are among keyUsage, basicConstraints, subjectAltName, extendedKeyUsage and nameConstraints.',
  check({ extensions }) {
    for (const { oid, critical } of extensions) {
      if (critical && !known.has(oid)) return `the critical extension ${oid} is not widely understood`
    }
    return undefined
  },
}
