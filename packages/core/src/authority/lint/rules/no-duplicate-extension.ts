import type { LintRule } from '../lint-rule.ts'

export const noDuplicateExtension: LintRule = {
  id: 'no-duplicate-extension',
  citation: 'RFC 5280 section 4.2',
  // "A certificate MUST NOT include more than one instance of a particular extension."
  check(certificate) {
    const seen = new Set<string>()
    for (const { oid } of certificate.extensions) {
      if (seen.has(oid)) return `the extension ${oid} is there twice`
      seen.add(oid)
    }
    return undefined
  },
}
