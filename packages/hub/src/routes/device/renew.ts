import type { DeviceServices } from '../../device/device-services.ts'
import { checkFields, malformed } from '../../exchange/fields.ts'
import { readBody } from '../../exchange/operation.ts'
import type { RouteHandler } from '../../exchange/router.ts'
import { credentialAnswer } from '../operator/credential-answer.ts'
import { csr } from '../operator/identifiers.ts'
import { peerOf } from './device-caller.ts'

/** `POST /api/device/renew`: a new certificate for the one that the device shows, which stays good until the new one is confirmed or its own time is over. The only route with grace, beside EST's. */
export function renewHandler(services: DeviceServices): RouteHandler {
  const { fleet, broker, renewals } = services
  const graceSeconds = services.settings.renewalGraceSeconds
  return async exchange => {
    const { deviceId, fingerprint } = await peerOf(exchange, services, graceSeconds)
    const body = checkFields<{ readonly csr: string }>(await readBody(exchange), { csr })
    if (body.csr === undefined) throw malformed('csr: is needed')
    const request = { csr: body.csr, presented: fingerprint, graceSeconds }
    return credentialAnswer(await renewals.run(() => fleet.renew(deviceId, request)), broker)
  }
}
