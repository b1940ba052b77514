import { extensionOids } from '@fleetcert/x509'
import { extensionOf } from '../../../../authority/lint/octets.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspDelegateNocheck: OcspLintRule = {
  id: 'ocsp-delegate-nocheck',
  citation: 'RFC 9919 section 3.2.2',
  scope: 'rfc',
  severity: 'warning',
  requirement: "The delegate's certificate has id-pkix-ocsp-nocheck.",
  // "It is RECOMMENDED that the OCSP responder's certificate contain the id-pkix-ocsp-nocheck extension, as defined in [RFC6960], to indicate to the client that it need not check the certificate's status."
  checkBasic: (_response, { delegate }) =>
    delegate !== undefined && extensionOf(delegate, extensionOids.ocspNoCheck) === undefined
      ? 'a delegate without id-pkix-ocsp-nocheck'
      : undefined,
}
