import type { LintRule } from '../lint-rule.ts'
import { contentStart, elementEnd } from '../octets.ts'

/** md5, sha1 and sha2 WithRSAEncryption. */
const rsa = /^1\.2\.840\.113549\.1\.1\.(?:4|5|11|12|13|14)$/
/** ECDSA with SHA-2, Ed25519, Ed448, ML-DSA. */
const withoutParameters = /^(?:1\.2\.840\.10045\.4\.3\.[1-4]|1\.3\.101\.11[23]|2\.16\.840\.1\.101\.3\.4\.3\.1[789])$/

export const signatureAlgorithmParameters: LintRule = {
  id: 'signature-algorithm-parameters',
  citation: 'RFC 4055 section 5, RFC 5758 section 3.2, RFC 8410 section 3, RFC 9881 section 2',
  scope: 'rfc',
  severity: 'error',
  requirement:
    'The parameters of the signature algorithm are NULL for RSA PKCS #1 and absent for ECDSA, EdDSA and ML-DSA.',
  // RSA: "the parameters MUST be NULL." ECDSA: "the encoding MUST omit the parameters field". EdDSA and ML-DSA: "the parameters MUST be absent".
  check({ signatureAlgorithmOid, tbsSignatureAlgorithm }) {
    const end = elementEnd(tbsSignatureAlgorithm, contentStart(tbsSignatureAlgorithm, 0))
    const isAbsent = end === tbsSignatureAlgorithm.length
    const isNull = !isAbsent && tbsSignatureAlgorithm[end] === 0x05
    if (rsa.test(signatureAlgorithmOid))
      return isNull ? undefined : 'an RSA signature algorithm whose parameters are not NULL'
    return isAbsent || !withoutParameters.test(signatureAlgorithmOid)
      ? undefined
      : 'a signature algorithm with parameters that must be absent'
  },
}
