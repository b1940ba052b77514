import type { EmqxLintRule } from '../emqx-lint-rule.ts'

export const permissiveSource: EmqxLintRule = {
  id: 'permissive-source',
  severity: 'error',
  requirement: 'Nobody beside the HTTP authorizer can allow a topic.',
  // The acl.conf that comes with EMQX ends in {allow, all}; it is the default of EMQX 5, and of EMQX 4 whatever the hook does not answer.
  *check({ format, root, authorization }) {
    if (format === 'emqx4') {
      const file = root.get('acl_file')
      if (file !== undefined && !isShipped(file.value)) return
      yield {
        line: file?.line ?? 1,
        setting: 'acl_file',
        message: 'the acl.conf that comes with EMQX ends in {allow, all}, and is asked when the hook does not answer',
        fix: 'a file of its own with {deny, all}. alone',
      }
      return
    }
    if (root.get('authorization.sources') === undefined) {
      yield {
        line: authorization.line,
        setting: 'authorization.sources',
        message: 'where no source is named EMQX asks its acl.conf, which ends in {allow, all}',
        fix: 'sources = [] when the answer of the authenticator has all rules (EMQX 5.7.2 or later), or the HTTP source alone',
      }
    }
    for (const { name, line, kind, isEnabled } of authorization.links ?? []) {
      if (!isEnabled || kind === 'http') continue
      yield {
        line,
        setting: name,
        message:
          'a source beside the HTTP source can allow what the fleet does not; the acl.conf that comes with EMQX ends in {allow, all}',
        fix: 'take it out, or set enable = false',
      }
    }
  },
}

function isShipped(value: unknown): boolean {
  return typeof value === 'string' && /(?:^|\/)etc\/acl\.conf$/.test(value)
}
