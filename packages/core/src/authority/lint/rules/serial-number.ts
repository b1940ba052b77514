import type { LintRule } from '../lint-rule.ts'

export const serialNumber: LintRule = {
  id: 'serial-number',
  citation: 'RFC 5280 section 4.1.2.2',
  // "The serial number MUST be a positive integer … Conforming CAs MUST NOT use serialNumber values longer than 20 octets."
  check(certificate) {
    const octets = certificate.serialNumberOctets
    if (octets.length > 20) return `the serial number has ${octets.length} octets`
    if (octets.length === 0 || octets[0]! >= 0x80) return 'the serial number is negative'
    if (octets.every(octet => octet === 0)) return 'the serial number is zero'
    return undefined
  },
}
