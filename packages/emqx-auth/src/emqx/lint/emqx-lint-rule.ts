import type { EmqxSettings } from './emqx-settings.ts'
import type { EmqxFinding, EmqxLintSeverity } from './lint-emqx-config.ts'

/** @internal */
export interface EmqxProblem extends Pick<EmqxFinding, 'line' | 'setting' | 'message' | 'fix'> {
  /** Where it differs from the rule's. */
  readonly severity?: EmqxLintSeverity
}

/** One thing that is dangerous. Pure; quotes keys, never values. @internal */
export interface EmqxLintRule {
  /** Stable, kebab-case. */
  readonly id: string
  readonly severity: EmqxLintSeverity
  /** What must hold, one sentence, for docs/emqx.md. */
  readonly requirement: string
  check(settings: EmqxSettings): Iterable<EmqxProblem>
}
