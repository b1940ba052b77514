import type { LintRule } from '../lint-rule.ts'

export const wildcardLabel: LintRule = {
  id: 'wildcard-label',
  citation: 'RFC 9525 section 6.3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A wildcard in a dNSName is the whole left-most label, and not the only one.',
  // "There is only one wildcard character." "The wildcard character appears only as the complete content of the left-most label."
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type !== 'dns' || !name.value.includes('*')) continue
      if (!/^\*\.[^*]+$/.test(name.value)) return 'a wildcard that is not the whole left-most label'
    }
    return undefined
  },
}
