import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlAiaNotCritical: CrlLintRule = {
  id: 'crl-aia-not-critical',
  citation: 'RFC 5280 section 5.2.7',
  scope: 'rfc',
  severity: 'error',
  requirement: 'authorityInfoAccess is not critical.',
  // "This CRL extension MUST be marked as non-critical."
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.authorityInfoAccess)?.critical === true
      ? 'authorityInfoAccess is critical'
      : undefined,
}
