import { anyClientId } from '../unsafe.ts'

/** Options of {@link mosquittoConfig}. */
export interface MosquittoConfigOptions {
  readonly port: number
  /** Address to bind. Default: all. */
  readonly host?: string
  /** PEM: the CAs of the devices, issuing CA and root. Never a pinned certificate: Mosquitto would take it for a CA. */
  readonly caFile: string
  /** PEM: the broker's certificate and its issuing CA. */
  readonly certFile: string
  readonly keyFile: string
  /** From `mosquittoAcl`. Without an ACL file Mosquitto lets everybody do everything, so it is not optional. */
  readonly aclFile: string
  /** PEM: the CRL of the issuing CA. Read again on SIGHUP alone, which closes no session that is open. */
  readonly crlFile?: string
  /** The oldest TLS that is spoken. Default `tlsv1.2`. */
  readonly tlsVersion?: 'tlsv1.2' | 'tlsv1.3'
  /** Default `exact`: Mosquitto replaces every client id by the device id. It can do nothing finer; `anyClientId` of `@fleetcert/emqx-auth/unsafe` leaves client ids as they are, so that a device can take over another's session. */
  readonly bind?: 'exact' | typeof anyClientId
}

/**
 * Renders a `mosquitto.conf` for Mosquitto 2.0 with one TLS listener: a client certificate of our CA is required, and its common name, the device id, is the user name.
 * Mosquitto decides alone, by certificate and CRL; it cannot ask `createBrokerAuth`.
 *
 * @throws TypeError for a value that cannot stand in the file
 */
export function mosquittoConfig(options: MosquittoConfigOptions): string {
  const { port, bind = 'exact', tlsVersion = 'tlsv1.2' } = options
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError('"port" must be a port number')
  if (tlsVersion !== 'tlsv1.2' && tlsVersion !== 'tlsv1.3') {
    throw new TypeError('"tlsVersion" must be "tlsv1.2" or "tlsv1.3"')
  }
  if (bind !== 'exact' && bind !== anyClientId) throw new TypeError('"bind" must be "exact"')
  const lines = [
    '# Mosquitto 2.0: the certificate is the identity.',
    'per_listener_settings false',
    'allow_anonymous false',
    setting('acl_file', options.aclFile),
    '',
    options.host === undefined ? `listener ${port}` : setting(`listener ${port}`, options.host),
    setting('cafile', options.caFile),
    setting('certfile', options.certFile),
    setting('keyfile', options.keyFile),
    ...(options.crlFile === undefined ? [] : [setting('crlfile', options.crlFile)]),
    `tls_version ${tlsVersion}`,
    'require_certificate true',
    'use_identity_as_username true',
    ...(bind === 'exact' ? ['use_username_as_clientid true'] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** A value goes to the end of its line, so a line end in it would begin another setting. */
function setting(name: string, value: string): string {
  if (typeof value !== 'string' || value === '' || value.trim() !== value || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new TypeError(`"${name}" must be text without control characters or outer spaces`)
  }
  return `${name} ${value}`
}
