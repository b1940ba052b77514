import { constants } from 'node:crypto'
import type { ServerCredential } from '@fleetcert/core'

/** What {@link deviceTlsOptions} makes, for `https.createServer`. */
export interface DeviceTlsOptions {
  /** PEM, its issuing CA behind it. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** A client is asked for a certificate. */
  readonly requestCert: true
  /** It gets in without one, too: a device that enrols has none yet, and the hub itself judges those that are shown. */
  readonly rejectUnauthorized: false
  /** RFC 9325 section 3.1.1. */
  readonly minVersion: 'TLSv1.2'
  /** No session tickets: see {@link deviceTlsOptions}. */
  readonly secureOptions: number
}

/**
 * The TLS options of an HTTPS server that devices come to: it asks for a certificate and leaves the judgement to the hub, which verifies it at every request. No `ca` is set: the list of CAs that goes with it would keep
 * some clients from showing a certificate that is not of one of them, such as a factory certificate, or one of a CA that came later.
 *
 * Sessions are not resumed. A resumed session shows the certificate of the handshake that it goes back to, without the chain, and proves no key anew; a device that has just renewed would seem to use its old certificate.
 *
 * @example
 * const server = createServer(deviceTlsOptions(await fleet.issueServer({ hosts: ['hub.example'] })), toNodeHandler(hub))
 *
 * @param server - with its private key: of `fleet.issueServer`, or whatever the devices trust
 * @throws TypeError without a private key
 */
export function deviceTlsOptions(
  server: Pick<ServerCredential, 'certificate' | 'chain' | 'privateKey'>,
): DeviceTlsOptions {
  const { certificate, chain, privateKey } = server
  if (privateKey === undefined) throw new TypeError('deviceTlsOptions: privateKey: is needed')
  return {
    cert: certificate + chain,
    key: privateKey,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
