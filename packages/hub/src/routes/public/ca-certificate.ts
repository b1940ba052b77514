import type { Fleet } from '@fleetcert/core'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import type { RouteHandler } from '../../exchange/router.ts'

/** `GET /api/devices/certificates/ca/certificate`: the text of a fleet folder's `ca-cert.pem`, issuing CA first, then the trust anchors. */
export function caCertificateHandler(fleet: Fleet): RouteHandler {
  return async () => {
    let issuing = ''
    let others = ''
    for await (const { role, state, certificate } of fleet.issuers()) {
      if (role === 'root' || state === 'retired' || state === 'revoked') continue
      // The one that issues first: it is what goes with `ca-key.pem`.
      if (role === 'issuingCa' && state === 'active') issuing += certificate
      else others += certificate
    }
    // An adopted CA may be a trust anchor itself.
    const anchors = fleet.trustAnchors
    return jsonAnswer(200, { caCert: issuing + withoutAnchors(others, anchors) + anchors })
  }
}

function withoutAnchors(pem: string, anchors: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n/g) ?? []
  return blocks.filter(block => !anchors.includes(block)).join('')
}
