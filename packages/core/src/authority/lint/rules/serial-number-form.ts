import type { LintRule } from '../lint-rule.ts'

export const serialNumberForm: LintRule = {
  id: 'serial-number-form',
  citation: 'fleetcert: CA/B Baseline Requirements 7.1 asks for 64 bits from a CSPRNG; ours have 120',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'The serial number has 16 octets, the first in 0x01–0x7f.',
  check: ({ serialNumberOctets }) =>
    serialNumberOctets.length === 16 && serialNumberOctets[0]! >= 0x01 && serialNumberOctets[0]! <= 0x7f
      ? undefined
      : 'the serial number is not of 16 octets',
}
