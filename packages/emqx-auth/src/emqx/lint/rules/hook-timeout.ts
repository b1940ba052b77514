import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { hooks, seconds } from '../rule-helpers.ts'

export const hookTimeout: EmqxLintRule = {
  id: 'hook-timeout',
  severity: 'warning',
  requirement: 'EMQX waits longer for an answer than the hub takes at most.',
  // The hub answers within 4 s; who gives up before has asked for nothing, and to EMQX 5 no answer means: ask the next.
  *check(settings) {
    const isOld = settings.format === 'emqx4'
    for (const { get, name } of hooks(settings)) {
      const timeout = isOld ? settings.root.get('auth.http.timeout') : get('request_timeout')
      const waits = seconds(timeout)
      if (timeout === undefined || (waits !== undefined && waits > 4)) continue
      yield {
        line: timeout.line,
        setting: isOld ? timeout.name : `${name}.request_timeout`,
        message: 'the hub answers within 4 s, and EMQX gives up before',
        fix: isOld ? 'auth.http.timeout = 5s' : 'request_timeout = "5s"',
      }
    }
  },
}
