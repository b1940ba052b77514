import type { LintRule } from '../lint-rule.ts'

export const singleCommonName: LintRule = {
  id: 'single-common-name',
  citation: 'fleetcert: brokers join several common names with a comma (EMQX), so only one is unambiguous',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'The subject has at most one common name.',
  check({ subject }) {
    let found = 0
    for (const rdn of subject) for (const { type } of rdn) if (type === 'CN') found++
    return found > 1 ? 'the subject has several common names' : undefined
  },
}
