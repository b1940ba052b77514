import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlFreshestNotCritical: CrlLintRule = {
  id: 'crl-freshest-not-critical',
  citation: 'RFC 5280 section 5.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'freshestCRL is not critical.',
  // "Conforming CRL issuers MUST mark this extension as non-critical."
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.freshestCrl)?.critical === true ? 'freshestCRL is critical' : undefined,
}
