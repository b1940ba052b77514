import type { LintRule } from '../lint-rule.ts'
import { attributeRules } from '../name-attributes.ts'

export const nameStringType: LintRule = {
  id: 'name-string-type',
  citation: 'RFC 5280 section 4.1.2.4, for the subject by 4.1.2.6',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'DirectoryStrings in the subject are UTF8String or PrintableString.',
  // "CAs conforming to this profile MUST use either the PrintableString or UTF8String encoding of DirectoryString, with two exceptions" – that names were in use before; which a certificate does not tell.
  check({ subject }) {
    for (const rdn of subject) {
      for (const { type, encoding } of rdn) {
        if (encoding === undefined || encoding === 'printableString' || encoding === 'utf8String') continue
        if (attributeRules.get(type)?.string === 'directory') return `${type} is neither UTF8String nor PrintableString`
      }
    }
    return undefined
  },
}
