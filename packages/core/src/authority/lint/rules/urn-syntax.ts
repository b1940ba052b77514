import type { LintRule } from '../lint-rule.ts'
import { isUrn } from '../name-syntax.ts'

export const urnSyntax: LintRule = {
  id: 'urn-syntax',
  citation: 'RFC 8141 section 2 and RFC 9562 section 4',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A URN in subjectAltName has a namespace and a specific string; one of the namespace `uuid` is a UUID.',
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type === 'uri' && /^urn:/i.test(name.value) && !isUrn(name.value)) return 'a URN that is none'
    }
    return undefined
  },
}
