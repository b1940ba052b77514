import type { LintRule } from '../lint-rule.ts'
import { somePublishedUrl } from '../published-urls.ts'

export const noHttpsUrls: LintRule = {
  id: 'no-https-urls',
  citation: 'RFC 5280 section 8',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'URLs of CRLs, OCSP responders and CA certificates are not https or ldaps.',
  // "CAs SHOULD NOT include URIs that specify https, ldaps, or similar schemes in extensions." Checking that server's certificate could need the very same CRL.
  check: certificate =>
    somePublishedUrl(certificate, url => /^(?:https|ldaps):/i.test(url))
      ? 'a CRL, OCSP or caIssuers URL is https or ldaps'
      : undefined,
}
