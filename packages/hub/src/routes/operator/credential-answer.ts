import type { DeviceCredential } from '@fleetcert/core'
import type { Answer } from '../../exchange/exchange.ts'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import type { HubOptions } from '../../hub.ts'

const secondsPerDay = 86_400

/** Days of the wire as the fleet's seconds. */
export function validity(days: number | undefined): { readonly validitySeconds?: number } {
  return days === undefined ? {} : { validitySeconds: days * secondsPerDay }
}

/** 201 with a new certificate, and with its key when that was made here. */
export function credentialAnswer(credential: DeviceCredential, broker: HubOptions['broker']): Answer {
  return jsonAnswer(201, credentialJson(credential, broker))
}

/** A new certificate as the API shows it. Dates become ISO 8601 in JSON. */
export function credentialJson(credential: DeviceCredential, broker: HubOptions['broker']): object {
  return {
    deviceId: credential.deviceId,
    clientCert: credential.certificate + credential.chain,
    ...(credential.privateKey === undefined ? {} : { clientKey: credential.privateKey }),
    caCert: credential.chain + credential.trustAnchors,
    fingerprint: credential.fingerprint,
    serialNumber: credential.serialNumber,
    notAfter: credential.notAfter,
    brokerUrl: broker.url,
    mqttSecurePort: broker.mqttSecurePort,
  }
}
