import { readsResult, toleratesMissingValues } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'

export const release: EmqxLintRule = {
  id: 'release',
  severity: 'error',
  requirement: 'The release understands what the hub answers.',
  *check({ release, authentication }) {
    if (release === undefined || release.major < 5 || toleratesMissingValues(release)) return
    yield {
      ...(readsResult(release) ? { severity: 'warning' as const } : {}),
      line: authentication.line,
      setting: authentication.name,
      message: readsResult(release)
        ? 'before EMQX 5.0.9 a placeholder without a value fails the request: clients without a user name are refused'
        : 'EMQX 5.0.0 takes any answer 200 for allow, also {"result":"deny"}',
      fix: 'update EMQX',
    }
  },
}
