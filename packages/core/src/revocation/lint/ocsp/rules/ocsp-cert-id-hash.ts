import type { OcspLintRule } from '../ocsp-rule.ts'

/** Octets by hash algorithm. */
const lengths: ReadonlyMap<string, number> = new Map([
  ['1.3.14.3.2.26', 20],
  ['2.16.840.1.101.3.4.2.1', 32],
  ['2.16.840.1.101.3.4.2.2', 48],
  ['2.16.840.1.101.3.4.2.3', 64],
])

export const ocspCertIdHash: OcspLintRule = {
  id: 'ocsp-cert-id-hash',
  citation: 'RFC 6960 section 4.1.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'issuerNameHash and issuerKeyHash are as long as the hashes of hashAlgorithm.',
  // "issuerNameHash OCTET STRING, -- Hash of issuer's DN"
  checkBasic({ responses }) {
    for (const { certId } of responses) {
      const length = lengths.get(certId.hashAlgorithm)
      if (length === undefined) continue
      if (certId.issuerNameHash.length !== length || certId.issuerKeyHash.length !== length) {
        return 'a CertID with hashes of the wrong length'
      }
    }
    return undefined
  },
}
