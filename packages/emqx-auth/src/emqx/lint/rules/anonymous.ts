import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { says } from '../rule-helpers.ts'

const opened = [
  ['allow_anonymous', true, 'clients of this zone are let in when no authenticator decides'],
  ['bypass_auth_plugins', true, 'clients of this zone are let in without the hook'],
  ['enable_acl', false, 'clients of this zone may do everything'],
] as const

export const anonymous: EmqxLintRule = {
  id: 'anonymous',
  severity: 'error',
  requirement: 'EMQX 4 lets nobody in whom nobody knows, and no zone passes the hook by.',
  // Schema and shipped file differ: the file says allow_anonymous = true.
  *check({ format, root, listeners }) {
    if (format !== 'emqx4') return
    const anonymous = root.get('allow_anonymous')
    if (!says(anonymous, false, 'false_quick_deny')) {
      yield {
        line: anonymous?.line ?? 1,
        setting: 'allow_anonymous',
        message: 'when no authenticator decides, the client is let in; the emqx.conf that comes with EMQX says so',
        fix: 'allow_anonymous = false',
      }
    }
    const zones = new Set([
      'external',
      'internal',
      ...listeners.map(({ get }) => String(get('zone')?.value ?? 'external')),
    ])
    for (const zone of zones) {
      for (const [key, bad, message] of opened) {
        const setting = root.get(`zone.${zone}.${key}`)
        if (!says(setting, bad)) continue
        yield {
          line: setting!.line,
          setting: setting!.name,
          message,
          fix: `zone.${zone}.${key} = ${bad ? 'false' : 'on'}`,
        }
      }
    }
  },
}
