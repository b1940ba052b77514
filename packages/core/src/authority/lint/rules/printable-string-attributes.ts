import type { LintRule } from '../lint-rule.ts'
import { attributeRules, isPrintableText } from '../name-attributes.ts'

export const printableStringAttributes: LintRule = {
  id: 'printable-string-attributes',
  citation: 'RFC 5280 appendix A.1',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'countryName, serialNumber and dnQualifier in the subject are PrintableString; every PrintableString holds only its characters.',
  // "X520countryName ::= PrintableString", "X520SerialNumber ::= PrintableString", "X520dnQualifier ::= PrintableString"; the alphabet is X.680 section 41.4's, without * & @ _.
  check({ subject }) {
    for (const rdn of subject) {
      for (const { type, value, encoding } of rdn) {
        const isPrintable = attributeRules.get(type)?.string === 'printable'
        if (isPrintable && encoding !== undefined && encoding !== 'printableString')
          return `${type} is not a PrintableString`
        if ((isPrintable || encoding === 'printableString') && !isPrintableText(value)) {
          return 'a PrintableString holds characters that it does not have'
        }
      }
    }
    return undefined
  },
}
