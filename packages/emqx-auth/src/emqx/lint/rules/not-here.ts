import type { EmqxLintRule } from '../emqx-lint-rule.ts'

export const notHere: EmqxLintRule = {
  id: 'not-here',
  severity: 'warning',
  requirement: 'All that matters is written in the text that is judged.',
  *check({ includes, authentication, authorization, listeners }) {
    const chains = [authentication, authorization, ...listeners.flatMap(({ chain }) => chain ?? [])]
    const hidden = [
      ...includes.map(line => ({ line, name: 'include' })),
      ...chains.filter(({ links }) => links === undefined),
    ]
    for (const { line, name } of hidden) {
      yield {
        line,
        setting: name,
        message: 'what stands here comes from elsewhere and is not judged',
        fix: 'give the lint the text with everything in it, such as that of: emqx ctl conf show',
      }
    }
  },
}
