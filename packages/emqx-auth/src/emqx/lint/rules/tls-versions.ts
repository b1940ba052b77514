import type { EmqxLintRule } from '../emqx-lint-rule.ts'
import { tlsListeners } from '../rule-helpers.ts'

export const tlsVersions: EmqxLintRule = {
  id: 'tls-versions',
  severity: 'warning',
  requirement: 'Only TLS 1.2 and 1.3 are spoken.',
  // RFC 8996: "TLS 1.0 MUST NOT be used", "TLS 1.1 MUST NOT be used". In 4.x both are on by default.
  *check(settings) {
    for (const { tls, isImplied } of tlsListeners(settings)) {
      if (isImplied) continue
      const versions = tls.get(settings.format === 'emqx4' ? 'tls_versions' : 'versions')
      const all = versions === undefined ? (settings.format === 'emqx4' ? 'tlsv1' : '') : String(versions.value)
      const names = all.split(',').map(name => name.trim())
      if (!names.some(name => name === 'tlsv1' || name === 'tlsv1.1' || name === 'sslv3')) continue
      yield {
        line: versions?.line ?? tls.line,
        setting: versions?.name ?? `${tls.name}.tls_versions`,
        message: 'TLS before 1.2 is spoken',
        fix: settings.format === 'emqx4' ? 'tls_versions = tlsv1.3,tlsv1.2' : 'versions = ["tlsv1.3", "tlsv1.2"]',
      }
    }
  },
}
