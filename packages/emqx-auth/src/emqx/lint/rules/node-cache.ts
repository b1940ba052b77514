import { cachesByDefault } from '../../config/broker-features.ts'
import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { has, says } from '../rule-helpers.ts'

export const nodeCache: EmqxLintRule = {
  id: 'node-cache',
  severity: 'warning',
  requirement: 'Answers about clients are not kept on the node.',
  // On by default since 6.2.0 (emqx#16794), for a minute.
  *check(settings) {
    if (settings.format === 'emqx4') return
    for (const owner of ['authentication_settings', 'authorization']) {
      const enable = settings.root.get(`${owner}.node_cache.enable`)
      if (says(enable, false) || (enable === undefined && !has(settings, cachesByDefault, false))) continue
      yield {
        line: enable?.line ?? 1,
        setting: `${owner}.node_cache.enable`,
        message: 'a revoked device comes back on a cached answer until it is a minute old, or the cache is reset',
        fix: `${owner}.node_cache.enable = false`,
      }
    }
  },
}
