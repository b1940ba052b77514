import type { Fleet } from '@fleetcert/core'
import { integer } from '../../exchange/fields.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import type { HubOptions } from '../../hub.ts'
import { credentialAnswer, validity } from './credential-answer.ts'
import { csr, deviceId } from './identifiers.ts'

type Path = { readonly deviceId: string }
type Body = { readonly csr: string; readonly validityDays: number; readonly overlapSeconds: number }

const yearSeconds = 365 * 86_400

/** `POST /api/devices/certificates/:deviceId/renew`. */
export function renewOperation(
  fleet: Fleet,
  broker: HubOptions['broker'],
): Operation<Path, Record<never, never>, Body> {
  return {
    path: { deviceId },
    query: noFields,
    body: { csr, validityDays: integer(1, 3650), overlapSeconds: integer(0, yearSeconds) },
    action: ({ deviceId }) => ({ type: 'renew', ...(deviceId === undefined ? {} : { deviceId }) }),
    async run({ deviceId, validityDays, ...request }) {
      return credentialAnswer(await fleet.renew(deviceId, { ...request, ...validity(validityDays) }), broker)
    },
  }
}
