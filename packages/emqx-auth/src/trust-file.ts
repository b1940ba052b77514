import { type Certificate, encodePem, parseCertificate } from '@fleetcert/core'

/** A certificate that is registered for a device. */
export interface PinnedTrust {
  readonly deviceId: string
  /** PEM or DER. */
  readonly certificate: string | Uint8Array
}

/** Options of {@link brokerTrustFile}. */
export interface BrokerTrustOptions {
  /** PEM: the fleet's issuing CA and root, and the CAs of just-in-time registration. */
  readonly authorities: string
  /** Registered certificates, self-signed or of CAs that are not among the authorities. */
  readonly pins?: Iterable<PinnedTrust>
  /**
   * What the broker makes of a client's certificate. `asksWithCertificate`: it hands the whole certificate to our hook, as EMQX from 5.7.1 on and aedes do. `goesByName`: it goes by the common name, as Mosquitto
   * does, and EMQX without `${cert_pem}`.
   */
  readonly broker: 'asksWithCertificate' | 'goesByName'
}

/**
 * The file of trusted certificates for a broker that verifies its clients: `cacertfile`, `cafile`. With EMQX's `verify_peer` a registered certificate must be in it: without, its handshake fails and nobody asks us.
 *
 * To a broker whatever stands there is a CA. `openssl req -x509` makes certificates that may sign others, and a device with one of these can make itself certificates in every device's name. Our hook compares
 * certificates as a whole and lets none of those in; a broker that goes by names would, and would take the name that a device gave itself for that of another. For such a broker only pins are taken that can sign
 * nothing and have the device id as their one common name.
 *
 * @throws TypeError for a pin that the broker could be deceived by; PkiError for what is no certificate
 */
export function brokerTrustFile(options: BrokerTrustOptions): string {
  const { authorities, pins = [], broker } = options
  if (broker !== 'asksWithCertificate' && broker !== 'goesByName') {
    throw new TypeError('"broker" must be "asksWithCertificate" or "goesByName"')
  }
  if (typeof authorities !== 'string' || !authorities.includes('-----BEGIN CERTIFICATE-----')) {
    throw new TypeError('"authorities" must be PEM')
  }
  const parts = [authorities.trimEnd()]
  for (const { deviceId, certificate: input } of pins) {
    const certificate = parseCertificate(input)
    if (broker === 'goesByName') {
      if (canSign(certificate)) throw new TypeError(`the certificate of ${deviceId} can sign others`)
      if (!isNamed(certificate, deviceId)) throw new TypeError(`the certificate of ${deviceId} has another common name`)
    }
    parts.push(encodePem('CERTIFICATE', certificate.der).trimEnd())
  }
  return `${parts.join('\n')}\n`
}

/**
 * "If the basic constraints extension is not present in a version 3 public key certificate, or the extension is present but the cA boolean is not asserted, then the certified public key MUST NOT be used to verify
 * certificate signatures" (RFC 5280 section 4.2.1.9). Of versions 1 and 2 nothing says that it must not.
 */
function canSign({ version, basicConstraints, keyUsage }: Certificate): boolean {
  return version !== 3 || basicConstraints?.cA === true || keyUsage?.includes('keyCertSign') === true
}

function isNamed({ subject }: Certificate, deviceId: string): boolean {
  const names = subject.flat().filter(({ type }) => type === 'CN')
  return names.length === 1 && names[0]!.value === deviceId
}
