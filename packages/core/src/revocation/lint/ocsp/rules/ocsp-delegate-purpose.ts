import { extendedKeyUsageOids } from '@fleetcert/x509'
import type { OcspLintRule } from '../ocsp-rule.ts'

export const ocspDelegatePurpose: OcspLintRule = {
  id: 'ocsp-delegate-purpose',
  citation: 'RFC 6960 section 4.2.2.2',
  scope: 'rfc',
  severity: 'error',
  requirement: "The delegate's certificate is for OCSPSigning, and its keyUsage, if it has one, allows signatures.",
  // "OCSP signing delegation SHALL be designated by the inclusion of id-kp-OCSPSigning in an extended key usage certificate extension included in the OCSP response signer's certificate."
  checkBasic(_response, { delegate }) {
    if (delegate === undefined) return undefined
    const { extendedKeyUsage, keyUsage } = delegate
    if (!extendedKeyUsage?.includes(extendedKeyUsageOids.ocspSigning)) return 'a delegate without OCSPSigning'
    return keyUsage === undefined || keyUsage.includes('digitalSignature') || keyUsage.includes('nonRepudiation')
      ? undefined
      : 'a delegate that may not sign'
  },
}
