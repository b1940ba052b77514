import { fitsKey } from '../../signature-parameters.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspSignatureAlgorithmFitsSigner: OcspLintRule = {
  id: 'ocsp-signature-algorithm-fits-signer',
  citation: 'RFC 6960 section 4.2.2.3',
  scope: 'rfc',
  severity: 'error',
  requirement: "The signature algorithm is one for the signer's key.",
  // "the information MUST correspond to the certificate that was used to sign the response"
  checkBasic: ({ signatureAlgorithm }, { signer }) =>
    signer === undefined || fitsKey(signatureAlgorithm, signer.publicKey)
      ? undefined
      : "the signature algorithm is not one for the signer's key",
}
