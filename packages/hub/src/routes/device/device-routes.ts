import type { DeviceServices } from '../../device/device-services.ts'
import type { Route } from '../../exchange/router.ts'
import { confirmHandler } from './confirm.ts'
import { enrollHandler } from './enroll.ts'
import { renewHandler } from './renew.ts'
import { renewalInfoHandler } from './renewal-info.ts'

/** What devices do for themselves, in JSON. They are let in by a certificate or a token; `authorize` is not asked. */
export function deviceRoutes(services: DeviceServices): readonly Route[] {
  return [
    { group: 'device', path: '/api/device/enroll', methods: { POST: enrollHandler(services) } },
    { group: 'device', path: '/api/device/renew', methods: { POST: renewHandler(services) } },
    { group: 'device', path: '/api/device/confirm', methods: { POST: confirmHandler(services) } },
    { group: 'device', path: '/api/device/renewal-info', methods: { GET: renewalInfoHandler(services) } },
  ]
}
