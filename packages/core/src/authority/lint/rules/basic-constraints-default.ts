import { extensionOids } from '@fleetcert/x509'
import { derTag } from '@fleetcert/x509/der'
import type { LintRule } from '../lint-rule.ts'
import { contentStart, extensionOf } from '../octets.ts'

export const basicConstraintsDefault: LintRule = {
  id: 'basic-constraints-default',
  citation: 'X.690 section 11.5, by RFC 5280 section 4.2.1.9',
  scope: 'rfc',
  severity: 'error',
  requirement: 'cA FALSE is not written.',
  // "cA BOOLEAN DEFAULT FALSE"
  check(certificate) {
    const value = extensionOf(certificate, extensionOids.basicConstraints)?.value
    if (value === undefined) return undefined
    const content = contentStart(value, 0)
    return value[content] === derTag.boolean && value[content + 2] === 0 ? 'cA FALSE is written out' : undefined
  },
}
