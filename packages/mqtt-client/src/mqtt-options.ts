import { Buffer } from 'node:buffer'
import type { IClientOptions } from 'mqtt'
import type { ConnectSettings } from './connect-options.ts'

/**
 * What MQTT.js is told. Nothing about TLS is in it, and the schedule of reconnects is not its own.
 */
export function mqttOptions(settings: ConnectSettings): IClientOptions {
  const { protocolVersion, will } = settings
  return {
    manualConnect: true,
    protocolId: 'MQTT',
    protocolVersion,
    clientId: settings.clientId,
    clean: settings.clean,
    keepalive: settings.keepaliveSeconds,
    connectTimeout: settings.connectTimeoutSeconds * 1000,
    // Not 0: MQTT.js would neither subscribe again nor keep the callbacks of what is in flight. So its timer is set to the longest there is (24.8 days), and each connect of ours takes it back.
    reconnectPeriod: 2 ** 31 - 1,
    // Else a refused attempt would leave it in another state than a failed one.
    reconnectOnConnackError: true,
    ...(will === undefined
      ? {}
      : {
          will: {
            topic: will.topic,
            payload: Buffer.from(will.payload as Uint8Array),
            qos: will.qos ?? 0,
            retain: will.retain ?? false,
            ...(protocolVersion === 5 ? { properties: { willDelayInterval: will.delaySeconds ?? 0 } } : {}),
          },
        }),
    ...(protocolVersion === 5 && !settings.clean
      ? { properties: { sessionExpiryInterval: settings.sessionExpirySeconds } }
      : {}),
  }
}
