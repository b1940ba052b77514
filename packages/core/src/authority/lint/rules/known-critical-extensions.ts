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
  citation: 'RFC 5280 section 4.2',
  // "A certificate-using system MUST reject the certificate if it encounters a critical extension it does not recognize"
  check(certificate) {
    const unknown = certificate.extensions.find(({ oid, critical }) => critical && !known.has(oid))
    return unknown === undefined ? undefined : `the critical extension ${unknown.oid} is not widely understood`
  },
}
