import type { LintRule } from '../lint-rule.ts'

export const noDuplicateExtension: LintRule = {
  id: 'no-duplicate-extension',
  citation: 'RFC 5280 section 4.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'No extension is there twice.',
  // "A certificate MUST NOT include more than one instance of a particular extension." The strict reader refuses it before this rule sees it.
  check({ extensions }) {
    for (let index = 1; index < extensions.length; index++) {
      const { oid } = extensions[index]!
      for (let earlier = 0; earlier < index; earlier++) {
        if (extensions[earlier]!.oid === oid) return `the extension ${oid} is there twice`
      }
    }
    return undefined
  },
}
