import type { DeviceServices } from '../../device/device-services.ts'
import { renewalInfo } from '../../device/renewal-info.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import type { RouteHandler } from '../../exchange/router.ts'
import { peerOf } from './device-caller.ts'

/** `GET /api/device/renewal-info`: when to renew, and whom to trust. */
export function renewalInfoHandler(services: DeviceServices): RouteHandler {
  return async exchange => {
    const { fingerprint } = await peerOf(exchange, services, 0)
    const { body, retryAfterSeconds } = await renewalInfo(services, fingerprint)
    return jsonAnswer(200, body, { 'retry-after': String(retryAfterSeconds) })
  }
}
