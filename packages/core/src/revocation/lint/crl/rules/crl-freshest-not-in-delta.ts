import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlFreshestNotInDelta: CrlLintRule = {
  id: 'crl-freshest-not-in-delta',
  citation: 'RFC 5280 section 5.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A delta CRL has no freshestCRL.',
  // "This extension MUST NOT appear in delta CRLs."
  check: ({ extensions = [] }, { isDelta }) =>
    isDelta && findRaw(extensions, extensionOids.freshestCrl) !== undefined ? 'freshestCRL in a delta CRL' : undefined,
}
