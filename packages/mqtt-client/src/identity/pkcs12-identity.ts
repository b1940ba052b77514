import type { DeviceCredentialPkcs12, DeviceIdentity } from '../device-identity.ts'
import { readBinaryFile, readTextFile } from '../read-text-file.ts'

/** The files of {@link pkcs12Identity}. */
export interface Pkcs12IdentityOptions {
  readonly deviceId: string
  /** PKCS #12 (RFC 7292): the device's certificate, its issuing CAs, its key. */
  readonly path: string
  /** Asked for at each connect. */
  readonly passphrase?: string | (() => string | Promise<string>)
  /** PEM: the CAs that a server's certificate must lead to. Those inside the PKCS #12 file are not believed. */
  readonly trustAnchorsPath: string
}

/**
 * An identity in a PKCS #12 file, read at each connect. It must be encrypted with AES (PBES2), as openssl 3 and Java 17 write it; files with RC2 or 3DES are refused.
 *
 * @throws TypeError if a part is missing; a file that cannot be read is `ERR_PKI_IDENTITY` when the credential is asked for
 */
export function pkcs12Identity(options: Pkcs12IdentityOptions): DeviceIdentity {
  const { deviceId, path, passphrase, trustAnchorsPath } = options
  for (const [name, value] of Object.entries({ deviceId, path, trustAnchorsPath })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" must be a string that is not empty`)
  }
  return {
    deviceId,
    async credential(): Promise<DeviceCredentialPkcs12> {
      const [pkcs12, trustAnchors] = await Promise.all([readBinaryFile(path), readTextFile(trustAnchorsPath)])
      const phrase = typeof passphrase === 'function' ? await passphrase() : passphrase
      return { pkcs12, trustAnchors, ...(phrase === undefined ? {} : { passphrase: phrase }) }
    },
  }
}
