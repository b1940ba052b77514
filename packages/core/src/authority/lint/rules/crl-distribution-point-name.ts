import { extensionOids } from '@fleetcert/x509'
import { contextTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { contentStart, elementEnd, extensionOf } from '../octets.ts'

export const crlDistributionPointName: LintRule = {
  id: 'crl-distribution-point-name',
  citation: 'RFC 5280 section 4.2.1.13',
  scope: 'rfc',
  severity: 'error',
  requirement: 'Every DistributionPoint has a distributionPoint or a cRLIssuer.',
  // "a DistributionPoint MUST NOT consist of only the reasons field; either distributionPoint or cRLIssuer MUST be present."
  check(certificate) {
    const value = extensionOf(certificate, extensionOids.crlDistributionPoints)?.value
    if (value === undefined) return undefined
    for (let point = contentStart(value, 0); point < value.length; point = elementEnd(value, point)) {
      if (!isNamed(value, point)) return 'a DistributionPoint without distributionPoint and cRLIssuer'
    }
    return undefined
  },
}

function isNamed(value: Uint8Array, point: number): boolean {
  const end = elementEnd(value, point)
  for (let field = contentStart(value, point); field < end; field = elementEnd(value, field)) {
    if (value[field] === contextTag(0, true) || value[field] === contextTag(2, true)) return true
  }
  return false
}
