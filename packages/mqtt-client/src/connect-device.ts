import { parseBrokerUrl } from './broker-address.ts'
import { type ConnectDeviceOptions, readConnectOptions } from './connect-options.ts'
import type { DeviceConnection } from './device-connection.ts'
import { createDeviceLink } from './device-link.ts'
import { attachRenewal } from './renewal/attach-renewal.ts'

/**
 * Connects a device to its broker over mutual TLS, and keeps it connected until it is closed.
 *
 * Resolves with the first CONNACK. If the first attempt fails it rejects and nothing is left behind; later failures are events, and attempts go on with exponential back-off and full jitter.
 * Messages of QoS 1 and 2 in flight survive reconnects, and what was subscribed to is subscribed to again.
 *
 * @param url - `mqtts://host:port`; the port is 8883 by default
 * @throws PkiError `ERR_PKI_SERVER_UNTRUSTED`, `ERR_PKI_SERVER_EXPIRED`, `ERR_PKI_SERVER_NOT_YET_VALID`, `ERR_PKI_SERVER_NAME`, `ERR_PKI_CLIENT_UNTRUSTED`, `ERR_PKI_CLIENT_EXPIRED`, `ERR_PKI_CLIENT_REVOKED`,
 * `ERR_PKI_CLIENT_REQUIRED`, `ERR_PKI_BROKER_REFUSED`, `ERR_PKI_UNREACHABLE`, `ERR_PKI_TLS`, `ERR_PKI_IDENTITY`, or what the identity rejects with; the signal's reason when it aborts
 * @see RFC 8446 section 4.4.2.4, RFC 6125
 * @example
 * ```ts
 * const connection = await connectDevice('mqtts://broker.example:8883', { identity: fileIdentity('certs', 'sensor-1') })
 * await connection.client.publishAsync('devices/sensor-1/telemetry', '{"celsius":21.5}', { qos: 1 })
 * await connection.close()
 * ```
 */
export async function connectDevice(url: string, options: ConnectDeviceOptions): Promise<DeviceConnection> {
  const address = parseBrokerUrl(url)
  const settings = readConnectOptions(options, address.host)
  options.signal?.throwIfAborted()
  const renewal = attachRenewal(settings.identity, settings.renewal)
  const link = createDeviceLink(address, settings, renewal.source)
  renewal.attach(link)
  try {
    await link.open(options.signal)
  } catch (error) {
    renewal.stop()
    throw error
  }
  renewal.start()
  return link.connection
}
