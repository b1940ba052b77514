import { signatureKeyType } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const signatureAlgorithmFitsIssuer: LintRule = {
  id: 'signature-algorithm-fits-issuer',
  citation: 'RFC 5280 section 4.1.1.2',
  scope: 'rfc',
  severity: 'error',
  requirement: "The signature algorithm is one for the issuer's key.",
  // "The signatureAlgorithm field contains the identifier for the cryptographic algorithm used by the CA to sign this certificate."
  check({ signatureAlgorithm }, { issuer }) {
    if (signatureAlgorithm === undefined || issuer === undefined) return undefined
    return issuer.publicKey.type === signatureKeyType(signatureAlgorithm)
      ? undefined
      : "the signature algorithm is not one for the issuer's key"
  },
}
