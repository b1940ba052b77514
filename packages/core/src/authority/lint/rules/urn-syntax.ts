import type { LintRule } from '../lint-rule.ts'

const urn = /^urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:./i
const uuid = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const urnSyntax: LintRule = {
  id: 'urn-syntax',
  citation: 'RFC 8141 section 2 and RFC 9562 section 4',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A URN in subjectAltName has a namespace and a specific string; one of the namespace `uuid` is a UUID.',
  check({ subjectAltName }) {
    for (const name of subjectAltName ?? []) {
      if (name.type !== 'uri' || !/^urn:/i.test(name.value)) continue
      if (!urn.test(name.value)) return 'a URN without namespace or specific string'
      if (/^urn:uuid:/i.test(name.value) && !uuid.test(name.value)) return 'a URN of the namespace uuid is not a UUID'
    }
    return undefined
  },
}
