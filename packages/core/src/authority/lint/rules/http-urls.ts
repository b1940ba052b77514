import { extensionOids } from '@fleetcert/x509'
import type { LintRule } from '../lint-rule.ts'

export const httpUrls: LintRule = {
  id: 'http-urls',
  citation: 'RFC 5280 sections 4.2.1.13, 4.2.2.1 and 8',
  check(certificate) {
    for (const { oid, critical } of certificate.extensions) {
      const published = oid === extensionOids.crlDistributionPoints || oid === extensionOids.authorityInfoAccess
      if (published && critical) return `the extension ${oid} is critical`
    }
    const { crlDistributionPoints = [], authorityInfoAccess } = certificate
    const urls = [
      ...crlDistributionPoints,
      ...(authorityInfoAccess?.ocsp ?? []),
      ...(authorityInfoAccess?.caIssuers ?? []),
    ]
    // "CAs SHOULD NOT include URIs that specify https" – checking that server's certificate could need the very same CRL.
    const wrong = urls.find(url => !url.startsWith('http://'))
    return wrong === undefined ? undefined : 'a CRL, OCSP or caIssuers URL does not begin with http://'
  },
}
