import type { CrlLintRule } from '../crl-rule.ts'

export const crlSignatureOctets: CrlLintRule = {
  id: 'crl-signature-octets',
  citation: 'RFC 5280 section 5.1.1.3, RFC 3279 section 2.2, RFC 5758 section 3',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The signature is of whole octets.',
  // "This signature value is encoded as a BIT STRING": of octets, or of a DER encoding, and neither ends within an octet.
  check: ({ unusedSignatureBits = 0 }) =>
    unusedSignatureBits === 0 ? undefined : `the signature has ${unusedSignatureBits} unused bits`,
}
