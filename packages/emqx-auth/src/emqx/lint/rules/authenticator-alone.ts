import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { chains } from '../rule-helpers.ts'

export const authenticatorAlone: EmqxLintRule = {
  id: 'authenticator-alone',
  severity: 'error',
  requirement: 'Nobody beside the HTTP authenticator can let a client in.',
  // To EMQX 5 every answer but 200 and 204, a timeout and a dead server mean: ask the next. And one that is asked before ours does not ask ours at all.
  *check(settings) {
    for (const { links = [] } of chains(settings)) {
      const asked = links.filter(({ isEnabled }) => isEnabled)
      const ours = asked.findIndex(({ kind }) => kind === 'http')
      if (ours === -1) continue
      for (const [index, { name, line, verdicts, kind }] of asked.entries()) {
        const onlyRefuses =
          kind === 'cinfo' &&
          verdicts.length > 0 &&
          verdicts.every(verdict => verdict === 'deny' || verdict === 'ignore')
        if (index === ours || onlyRefuses) continue
        yield {
          line,
          setting: name,
          message:
            index < ours
              ? 'asked before the HTTP authenticator: whom it lets in, nobody asks about the certificate'
              : 'asked after the HTTP authenticator: when the hook is down or answers with an error, this one lets the client in',
          fix: 'take it out, or give it a listener of its own',
        }
      }
    }
  },
}
