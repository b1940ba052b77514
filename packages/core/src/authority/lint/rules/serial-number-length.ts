import type { LintRule } from '../lint-rule.ts'

export const serialNumberLength: LintRule = {
  id: 'serial-number-length',
  citation: 'RFC 5280 section 4.1.2.2',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The serial number has at most 20 octets.',
  // "Conforming CAs MUST NOT use serialNumber values longer than 20 octets."
  check: ({ serialNumberOctets: { length } }) => (length > 20 ? `the serial number has ${length} octets` : undefined),
}
