import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { hooks } from '../rule-helpers.ts'

export const hookUrl: EmqxLintRule = {
  id: 'hook-url',
  severity: 'error',
  requirement: 'The URL of a hook is one that EMQX takes.',
  // Refused by EMQX: `localhost`, `//host/path`, a fragment, a user, and before 6.3 a host that is filled in.
  *check(settings) {
    for (const { url, name, line } of hooks(settings)) {
      const problem = typeof url?.value === 'string' ? problemOf(url.value) : 'is missing'
      if (problem === undefined) continue
      yield {
        line: url?.line ?? line,
        setting: `${name}.url`,
        message: `the URL ${problem}, so the hook is never asked`,
        fix: 'write it in full, such as https://hub.example:8443/path',
      }
    }
  },
}

function problemOf(url: string): string | undefined {
  if (!/^https?:\/\//.test(url)) return 'has no http:// or https:// in front'
  const authority = /^https?:\/\/([^/?#]*)/.exec(url)![1]!
  if (authority.includes('${')) return 'has a host that is filled in'
  if (authority.includes('@')) return 'has a user or password'
  if (url.includes('#')) return 'has a fragment'
  return URL.canParse(url.replaceAll('${', '').replaceAll('}', '')) ? undefined : 'is none'
}
