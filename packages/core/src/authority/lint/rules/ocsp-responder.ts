import { extendedKeyUsageOids, extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'
import { extensionOf } from '../octets.ts'

export const ocspResponder: LintRule = {
  id: 'ocsp-responder',
  citation: 'fleetcert: RFC 6960 section 4.2.2.2.1 and RFC 9919 section 3.2.2, taken strictly',
  scope: 'fleetcert',
  severity: 'error',
  requirement:
    'A certificate for OCSPSigning has no other purpose, has id-pkix-ocsp-nocheck, and has neither cRLDistributionPoints nor authorityInfoAccess; no other certificate has nocheck.',
  check(certificate, { isCa }) {
    const { extendedKeyUsage = [] } = certificate
    const has = (oid: string): boolean => extensionOf(certificate, oid) !== undefined
    if (isCa || !extendedKeyUsage.includes(extendedKeyUsageOids.ocspSigning)) {
      return has(extensionOids.ocspNoCheck)
        ? 'id-pkix-ocsp-nocheck in a certificate that is not for OCSPSigning'
        : undefined
    }
    if (extendedKeyUsage.length > 1) return 'OCSPSigning beside another purpose'
    if (!has(extensionOids.ocspNoCheck)) return 'OCSPSigning without id-pkix-ocsp-nocheck'
    return has(extensionOids.crlDistributionPoints) || has(extensionOids.authorityInfoAccess)
      ? 'a responder that says where to ask about its own revocation'
      : undefined
  },
}
