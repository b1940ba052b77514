import { PkiError, parseCertificationRequest } from '@fleetcert/core'
import type { DeviceServices } from '../device/device-services.ts'
import { type DevicePeer, identifyNamed } from '../device/identify-peer.ts'
import { renewalInfo } from '../device/renewal-info.ts'
import { credentialJson } from '../routes/operator/credential-answer.ts'
import { csr } from '../routes/operator/identifiers.ts'
import { fingerprintField, type PkiRequest, readParams, signatureField } from './pki-request.ts'
import type { PkiTopic } from './pki-topic.ts'
import { confirmationText, renewalText, verifyProof } from './proof-of-possession.ts'

type Signed = { readonly fingerprint: string; readonly signature: Uint8Array }

/**
 * What a device is answered: the JSON of the HTTP routes. Nothing is taken from the broker but the topic, and that only to compare it: who asks has to prove it by a signature, as in a TLS handshake over HTTP.
 * There is no grace here: a device whose certificate has expired does not get as far as the broker.
 */
export async function answerRequest(
  services: DeviceServices,
  topic: PkiTopic,
  { method, params }: PkiRequest,
): Promise<object> {
  const { fleet } = services
  const { deviceId } = topic
  switch (method) {
    case 'renewalInfo': {
      const { fingerprint } = readParams<Pick<Signed, 'fingerprint'>>(params, { fingerprint: fingerprintField })
      await ownerOf(services, topic, fingerprint)
      const { body, retryAfterSeconds } = await renewalInfo(services, fingerprint)
      return { ...body, retryAfterSeconds }
    }
    case 'renew': {
      const asked = readParams<Signed & { readonly csr: string }>(params, {
        csr,
        fingerprint: fingerprintField,
        signature: signatureField,
      })
      const { der } = parseCertificationRequest(asked.csr)
      const peer = await ownerOf(services, topic, asked.fingerprint)
      verifyProof(peer.certificate, renewalText(deviceId, asked.fingerprint, der), asked.signature)
      const credential = await fleet.renew(deviceId, { csr: der, presented: asked.fingerprint })
      return credentialJson(credential, services.broker)
    }
    case 'confirm': {
      const asked = readParams<Signed>(params, { fingerprint: fingerprintField, signature: signatureField })
      const peer = await ownerOf(services, topic, asked.fingerprint)
      verifyProof(peer.certificate, confirmationText(deviceId, asked.fingerprint), asked.signature)
      const { superseded } = await fleet.confirm(deviceId, { fingerprint: asked.fingerprint })
      return { superseded }
    }
  }
}

/** The certificate named, if it is that of the topic's device. */
async function ownerOf(services: DeviceServices, topic: PkiTopic, fingerprint: string): Promise<DevicePeer> {
  const peer = await identifyNamed(services, fingerprint)
  if (peer.deviceId !== topic.deviceId || peer.owner !== topic.owner) {
    throw new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { reason: 'no device of this fleet has it' })
  }
  return peer
}
