import type { CrlLintRule } from '../crl-rule.ts'

export const crlIssuerMaySign: CrlLintRule = {
  id: 'crl-issuer-may-sign',
  citation: 'RFC 5280 section 6.3.3 (f)',
  scope: 'rfc',
  severity: 'error',
  requirement: "The issuer's keyUsage, if it has one, holds cRLSign.",
  // "If a key usage extension is present in the CRL issuer's certificate, verify that the cRLSign bit is set."
  check: (_crl, { issuer }) =>
    issuer?.keyUsage === undefined || issuer.keyUsage.includes('cRLSign') ? undefined : 'the issuer may not sign CRLs',
}
