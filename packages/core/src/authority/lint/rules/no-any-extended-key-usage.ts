import { extendedKeyUsageOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const noAnyExtendedKeyUsage: LintRule = {
  id: 'no-any-extended-key-usage',
  citation: 'fleetcert: a device and a broker need one purpose each, never all',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'extendedKeyUsage does not hold anyExtendedKeyUsage.',
  check: ({ extendedKeyUsage }) =>
    extendedKeyUsage?.includes(extendedKeyUsageOids.anyExtendedKeyUsage) ? 'anyExtendedKeyUsage' : undefined,
}
