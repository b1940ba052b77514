import { extensionOids } from '@fleetcert/x509'
import { contextTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { contentStart, elementEnd, extensionOf } from '../octets.ts'

export const authorityCertIssuerPair: LintRule = {
  id: 'authority-cert-issuer-pair',
  citation: 'RFC 5280 appendix A.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'authorityKeyIdentifier holds both of authorityCertIssuer and authorityCertSerialNumber, or neither.',
  // "authorityCertIssuer and authorityCertSerialNumber MUST both be present or both be absent"
  check(certificate) {
    const value = extensionOf(certificate, extensionOids.authorityKeyIdentifier)?.value
    if (value === undefined) return undefined
    let fields = 0
    for (let offset = contentStart(value, 0); offset < value.length; offset = elementEnd(value, offset)) {
      if (value[offset] !== contextTag(0, false)) fields++
    }
    return fields === 1 ? 'authorityKeyIdentifier holds one of issuer and serial number alone' : undefined
  },
}
