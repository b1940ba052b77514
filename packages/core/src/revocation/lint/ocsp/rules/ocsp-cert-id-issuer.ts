import { createHash } from 'node:crypto'
import { sameOctets } from '../../../../authority/lint/octets.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'
import { hashNames, keyHash } from '../responder-id.ts'

export const ocspCertIdIssuer: OcspLintRule = {
  id: 'ocsp-cert-id-issuer',
  citation: 'RFC 6960 sections 2.2 and 4.1.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'A SingleResponse that says good or revoked is about a certificate of the issuer.',
  // "The key used to sign the response MUST belong to one of the following: - the CA who issued the certificate in question"; of another CA's certificate nobody but `unknown` can be said.
  checkBasic({ responses }, { issuer }) {
    if (issuer === undefined) return undefined
    for (const { certId, status } of responses) {
      const algorithm = hashNames.get(certId.hashAlgorithm)
      if (status === 'unknown' || algorithm === undefined) continue
      const nameHash = createHash(algorithm).update(issuer.subjectDer).digest()
      if (!sameOctets(certId.issuerNameHash, nameHash)) return 'a CertID with another issuer name'
      if (!sameOctets(certId.issuerKeyHash, keyHash(algorithm, issuer))) return 'a CertID with another issuer key'
    }
    return undefined
  },
}
