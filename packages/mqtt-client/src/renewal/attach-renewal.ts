import { type CredentialSource, identitySource } from '../credential-source.ts'
import type { DeviceEvents } from '../device-connection.ts'
import type { DeviceIdentity } from '../device-identity.ts'
import type { DeviceLink } from '../device-link.ts'
import { createHubClient } from '../hub/hub-client.ts'
import type { HubTransport } from '../hub/hub-transport.ts'
import { createMqttHubClient } from '../hub/mqtt-hub-client.ts'
import { isRenewable } from '../identity/renewable-identity.ts'
import { createCredentialSlots } from './credential-slots.ts'
import { createDeviceRenewal } from './device-renewal.ts'
import type { RenewalSettings } from './renewal-options.ts'
import { systemTimekeeper } from './timekeeper.ts'

/** What a link is to be made with, and what has to be done when it is there. @internal */
export interface AttachableRenewal {
  readonly source: CredentialSource
  /** Call once, before the link is opened. */
  attach(link: DeviceLink): void
  /** Call when the first session is there. */
  start(): void
  stop(): void
}

/**
 * Chooses where the credentials of a link come from. Also without a renewal an identity with two slots is asked for the second when the broker refuses the first: a renewal may have been cut before its last step.
 *
 * @throws TypeError if a renewal is wanted of an identity that cannot keep what is renewed
 */
export function attachRenewal(identity: DeviceIdentity, settings: RenewalSettings | undefined): AttachableRenewal {
  if (!isRenewable(identity)) {
    if (settings !== undefined) {
      throw new TypeError('"renewal" needs an identity that can keep a new credential: fileIdentity, storedIdentity')
    }
    return { source: identitySource(identity), attach: () => {}, start: () => {}, stop: () => {} }
  }
  if (settings === undefined) {
    const { source } = createCredentialSlots({ identity, prefer: 'current', now: systemTimekeeper.now })
    return { source, attach: () => {}, start: () => {}, stop: () => {} }
  }
  const { way, takeTrustAnchors, pollSeconds } = settings
  const ended = new AbortController()
  let link: DeviceLink | undefined
  // The source is needed to make the link, and the link to speak over MQTT.
  const overMqtt = (topicPrefix: string): HubTransport => {
    const client = (): HubTransport =>
      createMqttHubClient(link!.connection.client, { deviceId: identity.deviceId, topicPrefix })
    return {
      renewalInfo: speaker => client().renewalInfo(speaker),
      renew: (speaker, csr) => client().renew(speaker, csr),
      confirm: speaker => client().confirm(speaker),
    }
  }
  const renewal = createDeviceRenewal({
    identity,
    transport: 'address' in way ? createHubClient(way.address, { signal: ended.signal }) : overMqtt(way.topicPrefix),
    isDirect: 'address' in way,
    takeTrustAnchors,
    pollSeconds,
    link: {
      get isConnected() {
        return link?.connection.client.connected === true
      },
      reconnectNow: () => link!.connection.reconnectNow(),
    },
    time: systemTimekeeper,
    emit: (event, value) => link?.emit(event, value as DeviceEvents[typeof event]),
    onRefused: error => link?.emit('refused', error),
  })
  const stop = (): void => {
    ended.abort()
    renewal.stop()
  }
  return {
    source: renewal.slots.source,
    attach(made) {
      link = made
      // Whoever ends the connection, in whatever way.
      made.connection.client.on('end', stop)
    },
    start: renewal.start,
    stop,
  }
}
