import { type Fleet, PkiError } from '@fleetcert/core'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, type Operation } from '../../exchange/operation.ts'
import { deviceJson } from './device-json.ts'
import { deviceId } from './identifiers.ts'

/** `GET /api/devices/certificates/:deviceId`. */
export function readOperation(
  fleet: Fleet,
): Operation<{ readonly deviceId: string }, Record<never, never>, Record<never, never>> {
  return {
    path: { deviceId },
    query: noFields,
    body: noFields,
    action: ({ deviceId }) => ({ type: 'read', ...(deviceId === undefined ? {} : { deviceId }) }),
    async run({ deviceId }) {
      const device = await fleet.device(deviceId)
      if (device === undefined) throw new PkiError('ERR_PKI_DEVICE_UNKNOWN', { deviceId })
      return jsonAnswer(200, deviceJson(device))
    },
  }
}
