import type { CrlLintRule } from '../crl-rule.ts'

export const crlEntryOnce: CrlLintRule = {
  id: 'crl-entry-once',
  citation: 'RFC 5280 section 5.1.2.6',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A serial number is listed once, except in an indirect CRL.',
  // "Certificates revoked by the CA are uniquely identified by the certificate serial number."
  entries(_crl, { isIndirect }) {
    const seen = new Set<string>()
    return ({ serialNumber }) => {
      if (isIndirect) return undefined
      const size = seen.size
      const key = Buffer.from(serialNumber.buffer, serialNumber.byteOffset, serialNumber.length).toString('latin1')
      return seen.add(key).size === size ? 'the serial number is listed twice' : undefined
    }
  },
}
