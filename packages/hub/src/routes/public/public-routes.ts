import type { Fleet } from '@fleetcert/core'
import type { Exchange } from '../../exchange/exchange.ts'
import type { Route } from '../../exchange/router.ts'
import type { HubOptions } from '../../hub.ts'
import { caCertificateHandler } from './ca-certificate.ts'
import { caFileHandler } from './ca-file.ts'
import { crlFileHandler } from './crl-file.ts'
import { healthHandler } from './health.ts'
import { ocspRoutes } from './ocsp.ts'

/** What anybody may read: no caller is checked here. */
export function publicRoutes(
  fleet: Fleet,
  report: (error: unknown, exchange: Exchange) => void,
  drain: HubOptions['drain'],
): readonly Route[] {
  const health = healthHandler(fleet, drain)
  return [
    { group: 'public', path: '/api/health', methods: { GET: health } },
    { group: 'public', path: '/api/health/logging', methods: { GET: health } },
    {
      group: 'public',
      path: '/api/devices/certificates/ca/certificate',
      methods: { GET: caCertificateHandler(fleet) },
    },
    { group: 'public', path: '/crl/:file', methods: { GET: crlFileHandler(fleet) } },
    { group: 'public', path: '/ca/:file', methods: { GET: caFileHandler(fleet) } },
    ...ocspRoutes(fleet, report),
  ]
}
