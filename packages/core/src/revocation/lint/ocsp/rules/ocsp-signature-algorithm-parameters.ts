import { wrongParameters } from '../../signature-parameters.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspSignatureAlgorithmParameters: OcspLintRule = {
  id: 'ocsp-signature-algorithm-parameters',
  citation: 'RFC 4055 section 5, RFC 5758 section 3.2, RFC 8410 section 3, RFC 9881 section 2',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'The parameters of the signature algorithm are NULL for RSA PKCS #1 and absent for ECDSA, EdDSA and ML-DSA.',
  // As for certificates: `signature-algorithm-parameters`.
  checkBasic: ({ signatureAlgorithm }) => wrongParameters(signatureAlgorithm),
}
