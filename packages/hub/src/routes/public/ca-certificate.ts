import type { Fleet } from '@fleetcert/core'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import type { RouteHandler } from '../../exchange/router.ts'

/** `GET /api/devices/certificates/ca/certificate`: the text of a fleet folder's `ca-cert.pem`, issuing CA first, then the trust anchors. */
export function caCertificateHandler(fleet: Fleet): RouteHandler {
  return async () => {
    let caCert = ''
    for await (const issuer of fleet.issuers()) {
      if (issuer.role === 'issuingCa') caCert += issuer.certificate
    }
    return jsonAnswer(200, { caCert: caCert + fleet.trustAnchors })
  }
}
