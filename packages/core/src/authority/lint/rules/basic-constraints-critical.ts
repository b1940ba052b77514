import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const basicConstraintsCritical: LintRule = {
  id: 'basic-constraints-critical',
  citation: 'RFC 5280 section 4.2.1.9',
  scope: 'rfc',
  severity: 'error',
  requirement: 'basicConstraints is critical in a CA.',
  // "Conforming CAs MUST include this extension in all CA certificates that contain public keys used to validate digital signatures on certificates and MUST mark the extension as critical in such certificates."
  check: (certificate, { isCa }) =>
    isCa && extensionOf(certificate, extensionOids.basicConstraints)?.critical !== true
      ? 'basicConstraints is not critical in a CA'
      : undefined,
}
