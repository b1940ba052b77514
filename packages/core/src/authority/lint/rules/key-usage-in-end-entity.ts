import type { LintRule } from '../lint-rule.ts'

export const keyUsageInEndEntity: LintRule = {
  id: 'key-usage-in-end-entity',
  citation: 'fleetcert: a key without keyUsage may be used for anything',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'An end entity has a keyUsage.',
  check: ({ keyUsage }, { isCa }) => (!isCa && keyUsage === undefined ? 'an end entity without keyUsage' : undefined),
}
