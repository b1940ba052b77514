import type { LintRule } from '../lint-rule.ts'
import { somePublishedUrl } from '../published-urls.ts'

export const httpUrls: LintRule = {
  id: 'http-urls',
  citation: 'fleetcert: brokers and TLS libraries fetch over http (EMQX: http and https, the latter unverified)',
  scope: 'fleetcert',
  severity: 'error',
  requirement: 'URLs of CRLs, OCSP responders and CA certificates begin with http://.',
  check: certificate =>
    somePublishedUrl(certificate, url => !url.startsWith('http://'))
      ? 'a CRL, OCSP or caIssuers URL does not begin with http://'
      : undefined,
}
