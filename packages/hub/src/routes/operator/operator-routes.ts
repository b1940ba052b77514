import type { Fleet } from '@fleetcert/core'
import type { CheckCaller } from '../../caller/check-caller.ts'
import { operationHandler } from '../../exchange/operation.ts'
import type { Route } from '../../exchange/router.ts'
import type { HubOptions } from '../../hub.ts'
import { createTokenOperation } from './create-token.ts'
import { enrollOperation } from './enroll.ts'
import { listOperation } from './list.ts'
import { readOperation } from './read.ts'
import { renewOperation } from './renew.ts'
import { renewalSchedulesOperation, scheduleRenewalsOperation, withdrawRenewalsOperation } from './renewal-schedules.ts'
import { revokeOperation } from './revoke.ts'
import { validateFingerprintOperation } from './validate-fingerprint.ts'

/** What operators do with devices. */
export function operatorRoutes(
  fleet: Fleet,
  broker: HubOptions['broker'],
  clock: () => Date,
  checkCaller: CheckCaller,
): readonly Route[] {
  return [
    {
      group: 'operator',
      path: '/api/devices/renewals',
      methods: {
        GET: operationHandler(renewalSchedulesOperation(fleet), checkCaller),
        POST: operationHandler(scheduleRenewalsOperation(fleet, clock), checkCaller),
      },
    },
    {
      group: 'operator',
      path: '/api/devices/renewals/:schedule',
      methods: { DELETE: operationHandler(withdrawRenewalsOperation(fleet), checkCaller) },
    },
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
    {
      group: 'operator',
      path: '/api/devices/:deviceId/token',
      methods: { POST: operationHandler(createTokenOperation(fleet), checkCaller) },
    },
  ]
}
