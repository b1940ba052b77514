import { extensionOids } from '@fleetcert/x509'
import { extensionOf } from '../../../../authority/lint/octets.ts'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspDelegateNoPointers: OcspLintRule = {
  id: 'ocsp-delegate-no-pointers',
  citation: 'RFC 9919 section 3.2.2',
  scope: 'rfc',
  severity: 'warning',
  requirement: "The delegate's certificate has neither cRLDistributionPoints nor OCSP in authorityInfoAccess.",
  // "In addition, it is RECOMMENDED that neither an OCSP authorityInfoAccess (AIA) extension nor cRLDistributionPoints (CRLDP) extension be included in the OCSP responder's certificate."
  checkBasic(_response, { delegate }) {
    if (delegate === undefined) return undefined
    if (extensionOf(delegate, extensionOids.crlDistributionPoints)) return 'a delegate with cRLDistributionPoints'
    return (delegate.authorityInfoAccess?.ocsp.length ?? 0) > 0
      ? 'a delegate whose status is to be asked of an OCSP responder'
      : undefined
  },
}
