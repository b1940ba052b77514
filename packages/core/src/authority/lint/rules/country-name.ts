import type { LintRule } from '../lint-rule.ts'

export const countryName: LintRule = {
  id: 'country-name',
  citation: 'RFC 5280 appendix A.1 and X.520 section 6.3.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'countryName is the two upper-case letters of ISO 3166.',
  // "X520countryName (digraph from IS 3166)", "X520countryName ::= PrintableString (SIZE (2))"
  check({ subject }) {
    for (const rdn of subject) {
      for (const { type, value } of rdn) {
        if (type === 'C' && !/^[A-Z]{2}$/.test(value)) return 'countryName is not two upper-case letters'
      }
    }
    return undefined
  },
}
