import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { contentStart, extensionOf } from '../octets.ts'

export const keyUsageNamedBits: LintRule = {
  id: 'key-usage-named-bits',
  citation: 'X.690 section 11.2.2, by RFC 5280 section 4.2.1.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'keyUsage has no trailing zero bits.',
  // "Where Rec. ITU-T X.680 | ISO/IEC 8824-1, 22.7, applies, the bitstring shall have all trailing 0 bits removed before it is encoded."
  check(certificate) {
    const value = extensionOf(certificate, extensionOids.keyUsage)?.value
    if (value === undefined) return undefined
    const unusedBits = value[contentStart(value, 0)]!
    const isEmpty = value.length === 3
    const last = value[value.length - 1]!
    const isTrimmed = isEmpty ? unusedBits === 0 : (last >> unusedBits) & 1
    return isTrimmed ? undefined : 'keyUsage has trailing zero bits'
  },
}
