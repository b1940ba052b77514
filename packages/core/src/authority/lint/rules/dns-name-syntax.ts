import type { LintRule } from '../lint-rule.ts'
import { isDnsName } from '../name-syntax.ts'

export const dnsNameSyntax: LintRule = {
  id: 'dns-name-syntax',
  citation: 'RFC 5280 section 4.2.1.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A dNSName is in preferred name syntax, without a trailing dot; the wildcard is a rule of its own.',
  // "The name MUST be in the 'preferred name syntax' … subjectAltName extensions with a dNSName of ' ' MUST NOT be used."
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type === 'dns' && !isDnsName(name.value.replaceAll('*', 'x'))) {
        return 'a dNSName is not in preferred name syntax'
      }
    }
    return undefined
  },
}
