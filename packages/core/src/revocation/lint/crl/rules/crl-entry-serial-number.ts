import type { CrlLintRule } from '../crl-rule.ts'

export const crlEntrySerialNumber: CrlLintRule = {
  id: 'crl-entry-serial-number',
  citation: 'RFC 5280 section 4.1.2.2, by section 5.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The serial number of an entry is positive and has at most 20 octets.',
  // "The serial number MUST be a positive integer assigned by the CA to each certificate." "Conforming CAs MUST NOT use serialNumber values longer than 20 octets."
  entries:
    () =>
    ({ serialNumber }) => {
      if (serialNumber[0]! >= 0x80) return 'the serial number is negative'
      if (serialNumber.length === 1 && serialNumber[0] === 0) return 'the serial number is zero'
      return serialNumber.length > 20 ? `the serial number has ${serialNumber.length} octets` : undefined
    },
}
