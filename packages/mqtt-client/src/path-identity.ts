import type { DeviceIdentity } from './device-identity.ts'
import { readTextFile } from './read-text-file.ts'

/** The files of {@link pathIdentity}. */
export interface PathIdentityOptions {
  readonly deviceId: string
  /** PEM: the device's certificate, then issuing CAs if there are any. */
  readonly certificatePath: string
  /** PEM, not encrypted. */
  readonly privateKeyPath: string
  /** PEM: the CAs that a server's certificate must lead to. */
  readonly trustAnchorsPath: string
}

/**
 * An identity in three files, read at each connect.
 *
 * @throws TypeError if a path is missing; a file that cannot be read is `ERR_PKI_IDENTITY` when the credential is asked for
 */
export function pathIdentity(options: PathIdentityOptions): DeviceIdentity {
  const { deviceId, certificatePath, privateKeyPath, trustAnchorsPath } = options
  for (const [name, value] of Object.entries({ deviceId, certificatePath, privateKeyPath, trustAnchorsPath })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" must be a string that is not empty`)
  }
  return {
    deviceId,
    async credential() {
      const [certificate, privateKey, trustAnchors] = await Promise.all([
        readTextFile(certificatePath),
        readTextFile(privateKeyPath, { isSecret: true }),
        readTextFile(trustAnchorsPath),
      ])
      return { certificate, privateKey, trustAnchors }
    },
  }
}
