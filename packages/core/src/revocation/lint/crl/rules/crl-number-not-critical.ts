import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlNumberNotCritical: CrlLintRule = {
  id: 'crl-number-not-critical',
  citation: 'RFC 5280 section 5.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'cRLNumber is not critical.',
  // "CRL issuers conforming to this profile MUST include this extension in all CRLs and MUST mark this extension as non-critical."
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.crlNumber)?.critical === true ? 'cRLNumber is critical' : undefined,
}
