import type { LintRule } from '../lint-rule.ts'

export const encipherOnlyWithAgreement: LintRule = {
  id: 'encipher-only-with-agreement',
  citation: 'RFC 5280 section 4.2.1.3',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'encipherOnly and decipherOnly stand only beside keyAgreement.',
  // "The meaning of the encipherOnly bit is undefined in the absence of the keyAgreement bit."
  check: ({ keyUsage }) =>
    keyUsage?.some(bit => bit === 'encipherOnly' || bit === 'decipherOnly') && !keyUsage.includes('keyAgreement')
      ? 'encipherOnly or decipherOnly without keyAgreement'
      : undefined,
}
