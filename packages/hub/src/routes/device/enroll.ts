import type { DeviceServices } from '../../device/device-services.ts'
import { checkFields, malformed } from '../../exchange/fields.ts'
import { readBody } from '../../exchange/operation.ts'
import type { RouteHandler } from '../../exchange/router.ts'
import { credentialAnswer } from '../operator/credential-answer.ts'
import { csr, deviceId } from '../operator/identifiers.ts'
import { bearerOf, requireTls } from './device-caller.ts'

type Body = { readonly deviceId: string; readonly csr: string }

/** `POST /api/device/enroll`: a first certificate for a one-time token. What it grants is in the token, not in the request. */
export function enrollHandler(services: DeviceServices): RouteHandler {
  const { fleet, broker, enrolments } = services
  return async exchange => {
    requireTls(exchange)
    const token = bearerOf(exchange)
    const body = checkFields<Body>(await readBody(exchange), { deviceId, csr })
    if (body.deviceId === undefined || body.csr === undefined) throw malformed('deviceId and csr: both are needed')
    const request = { csr: body.csr, token }
    return credentialAnswer(await enrolments.run(() => fleet.enroll(body.deviceId!, request)), broker)
  }
}
