import { keyIdentifierOf } from '@fleetcert/x509'
import { sameOctets } from '../../../../authority/lint/octets.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspDelegateIssuedDirectly: OcspLintRule = {
  id: 'ocsp-delegate-issued-directly',
  citation: 'RFC 6960 section 4.2.2.2',
  scope: 'rfc',
  severity: 'error',
  requirement: "The delegate's certificate names the issuer as its own, by name and by authorityKeyIdentifier.",
  // "This certificate MUST be issued directly by the CA that is identified in the request."
  checkBasic(_response, { delegate, issuer }) {
    if (delegate === undefined || issuer === undefined) return undefined
    if (!sameOctets(delegate.issuerDer, issuer.subjectDer)) return 'a delegate of another CA'
    const { authorityKeyIdentifier: identifier } = delegate
    const expected = issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.subjectPublicKeyInfo)
    return identifier === undefined || sameOctets(identifier, expected)
      ? undefined
      : 'a delegate of another key of the CA'
  },
}
