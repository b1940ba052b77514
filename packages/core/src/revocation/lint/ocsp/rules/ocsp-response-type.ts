import type { OcspLintRule } from '../ocsp-rule.ts'

const idPkixOcspBasic = '1.3.6.1.5.5.7.48.1.1'

export const ocspResponseType: OcspLintRule = {
  id: 'ocsp-response-type',
  citation: 'RFC 9919 section 3.2.1',
  scope: 'rfc',
  severity: 'error',
  requirement: 'The response is a BasicOCSPResponse.',
  // "Responders MUST generate a BasicOCSPResponse as identified by the id-pkix-ocsp-basic OID."
  check: ({ responseType }) =>
    responseType === undefined || responseType === idPkixOcspBasic
      ? undefined
      : `a response of the type ${responseType}`,
}
