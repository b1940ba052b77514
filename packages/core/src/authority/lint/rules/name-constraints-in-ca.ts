import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const nameConstraintsInCa: LintRule = {
  id: 'name-constraints-in-ca',
  citation: 'RFC 5280 section 4.2.1.10',
  scope: 'rfc',
  severity: 'error',
  requirement: 'nameConstraints stands only in a CA.',
  // "The name constraints extension, which MUST be used only in a CA certificate"
  check: (certificate, { isCa }) =>
    !isCa && extensionOf(certificate, extensionOids.nameConstraints) !== undefined
      ? 'nameConstraints in a certificate that is not of a CA'
      : undefined,
}
