import { extensionOids } from '@fleetcert/x509'
import { findRaw } from '../../raw-extension.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlIssuingDistributionPoint: CrlLintRule = {
  id: 'crl-issuing-distribution-point',
  citation:
    'fleetcert: EMQX enforces no CRL without one, and a shard without one could be taken for the whole list (RFC 5280 section 6.3.3)',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'There is an issuingDistributionPoint.',
  check: ({ extensions = [] }) =>
    findRaw(extensions, extensionOids.issuingDistributionPoint) === undefined
      ? 'there is no issuingDistributionPoint'
      : undefined,
}
