import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlDeltaIndicatorCritical: CrlLintRule = {
  id: 'crl-delta-indicator-critical',
  citation: 'RFC 5280 section 5.2.4',
  scope: 'rfc',
  severity: 'error',
  requirement: 'deltaCRLIndicator is critical.',
  // "When a conforming CRL issuer generates a delta CRL, the delta CRL MUST include a critical delta CRL indicator extension."
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.deltaCrlIndicator)?.critical === false
      ? 'deltaCRLIndicator is not critical'
      : undefined,
}
