import type { Fleet } from '@fleetcert/core'
import { integer } from '../../exchange/fields.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import type { HubOptions } from '../../hub.ts'
import { credentialAnswer, validity } from './credential-answer.ts'
import { csr, deviceId, owner } from './identifiers.ts'

type Path = { readonly deviceId: string }
type Body = { readonly csr: string; readonly owner: string; readonly validityDays: number }

/**
 * `POST /api/devices/certificates/:deviceId`. There is no `role` here on purpose: an action does not name it, so a callback that lets a tenant enrol devices
 * would let it make a service, which reads everybody's topics.
 */
export function enrollOperation(
  fleet: Fleet,
  broker: HubOptions['broker'],
): Operation<Path, Record<never, never>, Body> {
  return {
    path: { deviceId },
    query: noFields,
    body: { csr, owner, validityDays: integer(1, 3650) },
    action: ({ deviceId, owner }) => ({
      type: 'enroll',
      ...(deviceId === undefined ? {} : { deviceId }),
      ...(owner === undefined ? {} : { owner }),
    }),
    async run({ deviceId, validityDays, ...request }) {
      return credentialAnswer(await fleet.enroll(deviceId, { ...request, ...validity(validityDays) }), broker)
    },
  }
}
