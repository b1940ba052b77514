import type { KeyObject } from 'node:crypto'

/** What a device shows to a server, and whom it believes. */
export interface DeviceCredentialText {
  /** PEM: the device's certificate first; the issuing CAs may follow it. */
  readonly certificate: string
  /** PEM: the issuing CA first. Sent behind what `certificate` holds. */
  readonly chain?: string
  /** PKCS #8, SEC 1 or PKCS #1 as PEM, not encrypted, or a private `KeyObject`. */
  readonly privateKey: string | KeyObject
  /** PEM: the CAs that a server's certificate must lead to. No other CA is believed, the system's neither. */
  readonly trustAnchors: string
}

/** The same with certificate, chain and key in one PKCS #12 file (RFC 7292). */
export interface DeviceCredentialPkcs12 {
  /** The file's octets. */
  readonly pkcs12: Uint8Array
  /** Of the file; none is not the same as an empty one. */
  readonly passphrase?: string
  /** PEM, as in {@link DeviceCredentialText}. CAs inside the file are sent, never believed. */
  readonly trustAnchors: string
}

/** Who a device is. Its credential is read anew at each connect, so that a renewed one is used as soon as it is there. */
export interface DeviceIdentity {
  readonly deviceId: string
  /** @throws PkiError `ERR_PKI_IDENTITY`, `ERR_PKI_PEM`, `ERR_PKI_TOO_LARGE` */
  credential(): Promise<DeviceCredentialText | DeviceCredentialPkcs12>
}
