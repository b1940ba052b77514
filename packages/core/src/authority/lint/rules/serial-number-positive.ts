import type { LintRule } from '../lint-rule.ts'

export const serialNumberPositive: LintRule = {
  id: 'serial-number-positive',
  citation: 'RFC 5280 section 4.1.2.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The serial number is positive and not zero.',
  // "The serial number MUST be a positive integer assigned by the CA to each certificate."
  check({ serialNumberOctets }) {
    if (serialNumberOctets[0]! >= 0x80) return 'the serial number is negative'
    return serialNumberOctets.length === 1 && serialNumberOctets[0] === 0 ? 'the serial number is zero' : undefined
  },
}
