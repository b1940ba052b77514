import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlIssuerAltNameNotCritical: CrlLintRule = {
  id: 'crl-issuer-alt-name-not-critical',
  citation: 'RFC 5280 section 5.2.2',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'issuerAltName is not critical.',
  // "Conforming CRL issuers SHOULD mark the issuerAltName extension as non-critical."
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.issuerAltName)?.critical === true ? 'issuerAltName is critical' : undefined,
}
