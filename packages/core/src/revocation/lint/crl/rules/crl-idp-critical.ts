import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlIdpCritical: CrlLintRule = {
  id: 'crl-idp-critical',
  citation: 'RFC 5280 section 5.2.5',
  scope: 'rfc',
  severity: 'error',
  requirement: 'issuingDistributionPoint is critical.',
  // "The issuing distribution point is a critical CRL extension"
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.issuingDistributionPoint)?.critical === false
      ? 'issuingDistributionPoint is not critical'
      : undefined,
}
