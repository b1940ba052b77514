import type { LintRule } from '../lint-rule.ts'

export const extendedKeyUsageInEndEntity: LintRule = {
  id: 'extended-key-usage-in-end-entity',
  citation: 'fleetcert: a certificate without extendedKeyUsage is good for every purpose',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'An end entity has an extendedKeyUsage.',
  check: ({ extendedKeyUsage }, { isCa }) =>
    !isCa && extendedKeyUsage === undefined ? 'an end entity without extendedKeyUsage' : undefined,
}
