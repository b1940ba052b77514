import type { Fleet } from '@fleetcert/core'
import type { CheckCaller } from '../../caller/check-caller.ts'
import { operationHandler } from '../../exchange/operation.ts'
import type { Route } from '../../exchange/router.ts'
import type { HubOptions } from '../../hub.ts'
import { enrollOperation } from './enroll.ts'
import { listOperation } from './list.ts'
import { readOperation } from './read.ts'
import { renewOperation } from './renew.ts'
import { revokeOperation } from './revoke.ts'
import { validateFingerprintOperation } from './validate-fingerprint.ts'

/** The device API. */
export function operatorRoutes(fleet: Fleet, broker: HubOptions['broker'], checkCaller: CheckCaller): readonly Route[] {
  return [
    {
      group: 'operator',
      path: '/api/devices/certificates',
      methods: { GET: operationHandler(listOperation(fleet), checkCaller) },
    },
    {
      group: 'operator',
      path: '/api/devices/certificates/:deviceId',
      methods: {
        GET: operationHandler(readOperation(fleet), checkCaller),
        POST: operationHandler(enrollOperation(fleet, broker), checkCaller),
        DELETE: operationHandler(revokeOperation(fleet), checkCaller),
      },
    },
    {
      group: 'operator',
      path: '/api/devices/certificates/validate/:fingerprint',
      methods: { POST: operationHandler(validateFingerprintOperation(fleet), checkCaller) },
    },
    {
      group: 'operator',
      path: '/api/devices/certificates/:deviceId/renew',
      methods: { POST: operationHandler(renewOperation(fleet, broker), checkCaller) },
    },
  ]
}
