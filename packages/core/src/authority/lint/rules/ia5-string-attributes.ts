import type { LintRule } from '../lint-rule.ts'
import { attributeRules } from '../name-attributes.ts'

export const ia5StringAttributes: LintRule = {
  id: 'ia5-string-attributes',
  citation: 'RFC 5280 appendix A.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'emailAddress and domainComponent in the subject are IA5String.',
  // "EmailAddress ::= IA5String", "DomainComponent ::= IA5String"
  check({ subject }) {
    for (const rdn of subject) {
      for (const { type, encoding } of rdn) {
        if (encoding !== undefined && encoding !== 'ia5String' && attributeRules.get(type)?.string === 'ia5') {
          return `${type} is not an IA5String`
        }
      }
    }
    return undefined
  },
}
