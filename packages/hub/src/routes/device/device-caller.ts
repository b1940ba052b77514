import { PkiError } from '@fleetcert/core'
import { bearerCredential } from '../../caller/bearer-credential.ts'
import type { DeviceServices } from '../../device/device-services.ts'
import { type DevicePeer, identifyPeer } from '../../device/identify-peer.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { malformed } from '../../exchange/fields.ts'

/**
 * Devices are served over TLS alone: a token that went over the wire in the clear is anybody's.
 * @throws PkiError `ERR_PKI_REQUEST`
 */
export function requireTls(exchange: Exchange): void {
  if (exchange.context().encrypted !== true) {
    throw malformed(
      'devices are served over TLS alone; behind a proxy that ends TLS, the hub must be told by trustProxy',
    )
  }
}

/**
 * The device on the other end, by the certificate of its connection. `graceSeconds` as in `identifyPeer`.
 * @throws PkiError as `identifyPeer`
 */
export async function peerOf(exchange: Exchange, services: DeviceServices, graceSeconds?: number): Promise<DevicePeer> {
  requireTls(exchange)
  return identifyPeer(services, exchange.context().peerCertificates ?? [], graceSeconds)
}

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1).
 * @throws PkiError `ERR_PKI_FORBIDDEN`
 */
export function bearerOf(exchange: Exchange): string {
  const token = bearerCredential(exchange.header('authorization'))
  if (token === undefined) throw new PkiError('ERR_PKI_FORBIDDEN', {})
  return token
}
