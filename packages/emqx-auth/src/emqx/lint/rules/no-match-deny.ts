import { deniesNoMatch } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { has, says } from '../rule-helpers.ts'

export const noMatchDeny: EmqxLintRule = {
  id: 'no-match-deny',
  severity: 'error',
  requirement: 'What no rule decides is denied.',
  // The default of EMQX 5 is allow; a source that is down or answers 403 has not decided.
  *check(settings) {
    const { format, root } = settings
    const name = format === 'emqx4' ? 'acl_nomatch' : 'authorization.no_match'
    const setting = root.get(name)
    if (says(setting, 'deny') || (setting === undefined && has(settings, deniesNoMatch, false))) return
    yield {
      line: setting?.line ?? settings.authorization.line,
      setting: name,
      message: 'what no rule decides is allowed, also when the hook is down or answers 403',
      fix: `${name} = deny`,
    }
  },
}
