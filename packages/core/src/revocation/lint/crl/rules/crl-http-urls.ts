import type { CrlLintRule } from '../crl-rule.ts'
import { publishedUrls } from '../published-urls.ts'

export const crlHttpUrls: CrlLintRule = {
  id: 'crl-http-urls',
  citation: 'fleetcert: the URL of the certificates, octet for octet; brokers and TLS libraries fetch over http',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'URLs of CRLs and CA certificates begin with http://.',
  check: crl =>
    publishedUrls(crl).every(url => url.startsWith('http://'))
      ? undefined
      : 'a CRL or caIssuers URL does not begin with http://',
}
