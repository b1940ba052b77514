import type { DeviceServices } from '../../device/device-services.ts'
import { checkFields } from '../../exchange/fields.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import { noFields, readBody } from '../../exchange/operation.ts'
import type { RouteHandler } from '../../exchange/router.ts'
import { peerOf } from './device-caller.ts'

/** `POST /api/device/confirm`, with the new certificate: the device uses it, so the older ones that it was renewed from end. */
export function confirmHandler(services: DeviceServices): RouteHandler {
  return async exchange => {
    const { deviceId, fingerprint } = await peerOf(exchange, services)
    checkFields(await readBody(exchange), noFields)
    const { superseded } = await services.renewals.run(() => services.fleet.confirm(deviceId, { fingerprint }))
    return jsonAnswer(200, { superseded })
  }
}
