import type { DeviceCredentialText, DeviceIdentity } from './device-identity.ts'

/** The credential of {@link pemIdentity}; a `DeviceCredential` of core with its private key is one. */
export interface PemIdentityOptions extends DeviceCredentialText {
  readonly deviceId: string
}

/**
 * An identity that is in memory.
 *
 * @throws TypeError if a part is missing
 */
export function pemIdentity(options: PemIdentityOptions): DeviceIdentity {
  const { deviceId, certificate, chain, privateKey, trustAnchors } = options
  for (const [name, value] of Object.entries({ deviceId, certificate, trustAnchors })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" must be a string that is not empty`)
  }
  const credential = Object.freeze({ certificate, privateKey, trustAnchors, ...(chain === undefined ? {} : { chain }) })
  return { deviceId, credential: async () => credential }
}
