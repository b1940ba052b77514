import type { EmqxLintRule } from '../emqx-lint-rule.ts'

export const superuserHook: EmqxLintRule = {
  id: 'superuser-hook',
  severity: 'error',
  requirement: 'EMQX 4 asks nobody who is a superuser.',
  // Any 200 makes one, and a superuser is asked nothing more.
  *check({ format, root }) {
    const url = format === 'emqx4' ? root.get('auth.http.super_req.url') : undefined
    if (url === undefined) return
    yield {
      line: url.line,
      setting: url.name,
      message: 'any answer 200 makes the client a superuser, who may do everything',
      fix: 'take auth.http.super_req.* out',
    }
  },
}
