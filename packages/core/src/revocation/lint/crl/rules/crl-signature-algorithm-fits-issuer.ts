import { fitsKey } from '../../signature-parameters.ts'
import type { CrlLintRule } from '../crl-rule.ts'

export const crlSignatureAlgorithmFitsIssuer: CrlLintRule = {
  id: 'crl-signature-algorithm-fits-issuer',
  citation: 'RFC 5280 section 5.1.1.2',
  scope: 'rfc',
  severity: 'error',
  requirement: "The signature algorithm is one for the issuer's key.",
  // "The signatureAlgorithm field contains the algorithm identifier for the algorithm used by the CRL issuer to sign the CertificateList."
  check: ({ signatureAlgorithm }, { issuer }) =>
    issuer === undefined || fitsKey(signatureAlgorithm, issuer.publicKey)
      ? undefined
      : "the signature algorithm is not one for the issuer's key",
}
