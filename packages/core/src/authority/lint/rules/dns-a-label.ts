import { domainToUnicode } from 'node:url'
import type { LintRule } from '../lint-rule.ts'

export const dnsALabel: LintRule = {
  id: 'dns-a-label',
  citation: 'RFC 9549 section 2.2 and RFC 5890 section 2.3.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A label of a dNSName with hyphens in third and fourth place is an A-label (`xn--…`) that decodes.',
  // Internationalized names are stored as A-labels; other labels with "--" there are reserved (RFC 5890).
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type !== 'dns' || !name.value.includes('--')) continue
      for (const label of name.value.split('.')) {
        if (label.slice(2, 4) === '--' && !isALabel(label)) return 'a reserved label of a dNSName is not an A-label'
      }
    }
    return undefined
  },
}

function isALabel(label: string): boolean {
  return label.slice(0, 2).toLowerCase() === 'xn' && domainToUnicode(label) !== ''
}
