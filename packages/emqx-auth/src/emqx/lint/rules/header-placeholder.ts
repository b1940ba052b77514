import { guardsHeaders } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { has, hooks, placeholdersOf } from '../rule-helpers.ts'

export const headerPlaceholder: EmqxLintRule = {
  id: 'header-placeholder',
  severity: 'warning',
  requirement: 'No header is filled with what a client can choose.',
  // emqx#17309: line ends in a certificate's name began another header.
  *check(settings) {
    if (settings.format === 'emqx4' || has(settings, guardsHeaders, false)) return
    for (const { headers } of hooks(settings)) {
      for (const header of headers) {
        if (placeholdersOf(header, settings.format).length === 0) continue
        yield {
          line: header.line,
          setting: header.name,
          message:
            'before EMQX 5.8.11, 5.9.3, 5.10.4, 6.0.3, 6.1.2 and 6.2.1 a line end in a name or user name begins another header, such as the secret',
          fix: 'send it in the body',
        }
      }
    }
  },
}
