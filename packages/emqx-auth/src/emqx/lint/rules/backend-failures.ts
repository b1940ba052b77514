import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { says } from '../rule-helpers.ts'

export const backendFailures: EmqxLintRule = {
  id: 'backend-failures',
  severity: 'warning',
  requirement: 'A hook that fails does not hand the decision on.',
  // Undoes EMQX_SECURITY_PROFILE=hardened, which denies when a hook fails.
  *check({ root }) {
    for (const owner of ['authentication_settings', 'authorization']) {
      const ignore = root.get(`${owner}.ignore_backend_failures`)
      if (!says(ignore, true)) continue
      yield {
        line: ignore!.line,
        setting: ignore!.name,
        message: 'when the hook fails the next one decides',
        fix: `${owner}.ignore_backend_failures = false`,
      }
    }
  },
}
