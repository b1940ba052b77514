import type { LintRule } from '../lint-rule.ts'
import { hasOnlyALabels } from '../name-syntax.ts'

export const dnsALabel: LintRule = {
  id: 'dns-a-label',
  citation: 'RFC 9549 section 2.3 and RFC 5890 section 2.3.1',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'A label of a dNSName with hyphens in third and fourth place is an A-label (`xn--…`) that decodes.',
  // Internationalized names are stored as A-labels; other labels with "--" there are reserved (RFC 5890).
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type === 'dns' && !hasOnlyALabels(name.value)) return 'a reserved label of a dNSName is not an A-label'
    }
    return undefined
  },
}
