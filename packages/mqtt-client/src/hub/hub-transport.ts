import type { TlsCredential } from '../read-credential.ts'

/** Which of the device's credentials speaks. */
export interface Speaker {
  /** `AA:BB:…`, of the certificate. */
  readonly fingerprint: string
  /** PKCS #8 PEM. */
  readonly privateKey: string
  /** For mutual TLS. */
  readonly tls: TlsCredential
}

/** A new certificate, as it came: nothing in it has been checked. */
export interface CredentialAnswer {
  /** PEM: the certificate, then its issuing CAs. */
  readonly certificate: unknown
  /** PEM: what devices are to believe. */
  readonly trustAnchors: unknown
}

/** When the hub would like a certificate to be renewed. Checked for shape alone. */
export interface RenewalInfo {
  readonly window: { readonly start: Date; readonly end: Date }
  /** Of the certificate that it is about. */
  readonly fingerprint: string
  /** PEM: what devices are to believe. */
  readonly trustAnchors: unknown
  /** When to ask again. */
  readonly retryAfterSeconds?: number
}

/**
 * A way to the hub. Every call rejects with a PkiError: `ERR_PKI_HUB_REFUSED`, `ERR_PKI_HUB_ANSWER`, `ERR_PKI_UNREACHABLE`, `ERR_PKI_TLS`, `ERR_PKI_SERVER_*`, `ERR_PKI_CLIENT_*`.
 *
 * @internal
 */
export interface HubTransport {
  renewalInfo(speaker: Speaker): Promise<RenewalInfo>
  /** Asked again with the same request, the hub answers the same certificate. */
  renew(speaker: Speaker, csr: string): Promise<CredentialAnswer>
  /** Says that the device uses the speaker's certificate; resolves how many older ones end by it. */
  confirm(speaker: Speaker): Promise<{ readonly superseded: number }>
}
