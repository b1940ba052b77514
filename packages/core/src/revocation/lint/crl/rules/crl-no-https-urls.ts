import type { CrlLintRule } from '../crl-rule.ts'
import { publishedUrls } from '../published-urls.ts'

export const crlNoHttpsUrls: CrlLintRule = {
  id: 'crl-no-https-urls',
  citation: 'RFC 5280 section 8',
  scope: 'rfc',
  severity: 'warning',
  requirement: 'URLs of CRLs and CA certificates are not https or ldaps.',
  // "CAs SHOULD NOT include URIs that specify https, ldaps, or similar schemes in extensions." Checking that server's certificate could need the very same CRL.
  check: crl =>
    publishedUrls(crl).some(url => /^(?:https|ldaps):/i.test(url))
      ? 'a CRL or caIssuers URL is https or ldaps'
      : undefined,
}
