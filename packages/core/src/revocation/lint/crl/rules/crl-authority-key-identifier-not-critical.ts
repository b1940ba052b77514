import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlAuthorityKeyIdentifierNotCritical: CrlLintRule = {
  id: 'crl-authority-key-identifier-not-critical',
  citation: 'RFC 5280 section 4.2.1.1, for CRLs by section 5.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'authorityKeyIdentifier is not critical.',
  // "Conforming CAs MUST mark this extension as non-critical."
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.authorityKeyIdentifier)?.critical === true
      ? 'authorityKeyIdentifier is critical'
      : undefined,
}
