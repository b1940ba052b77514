import type { LintFinding, LintRule } from '../../authority/lint/lint-rule.ts'

/** What every rule says of itself, whatever it judges. */
export type LintRequirement = Omit<LintRule, 'check'>

export function findingOf({ id, citation, scope, severity }: LintRequirement, message: string): LintFinding {
  return { rule: id, citation, scope, severity, message }
}
