import type { LintRule } from '../lint-rule.ts'
import { attributeRules } from '../name-attributes.ts'

export const nameBounds: LintRule = {
  id: 'name-bounds',
  citation: 'RFC 5280 appendix A.1',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'Attributes of the subject are not empty and not longer than their upper bounds: CN, O, OU, title, serialNumber 64, L and ST 128, emailAddress 255.',
  // "ub-common-name INTEGER ::= 64" and so on; SIZE (1..ub), in characters.
  check({ subject }) {
    for (const rdn of subject) {
      for (const { type, value, encoding } of rdn) {
        // No string, so without a length: name-string-type speaks of it.
        if (encoding === 'other') continue
        if (value.length === 0) return 'an attribute of the subject is empty'
        const bound = attributeRules.get(type)?.upperBound
        // Surrogate pairs count once; they are only worth counting past the bound.
        if (bound !== undefined && value.length > bound && Array.from(value).length > bound) {
          return `${type} is longer than ${bound} characters`
        }
      }
    }
    return undefined
  },
}
