import type { EnrolmentOptions } from './enrol-identity.ts'
import type { StoredCredential } from './identity-state.ts'
import { createMemoryStorage } from './memory-storage.ts'
import { type RenewableIdentity, storedIdentity } from './renewable-identity.ts'

/** What {@link memoryIdentity} begins with: a credential, or the way to one. */
export type MemoryIdentityOptions = { readonly deviceId: string } & (
  | {
      /** PEM: the device's certificate first; the issuing CAs may follow it. */
      readonly certificate: string
      /** PEM: the issuing CA first. */
      readonly chain?: string
      /** PKCS #8 PEM. */
      readonly privateKey: string
      /** PEM: the CAs that a server's certificate must lead to. */
      readonly trustAnchors: string
    }
  | { readonly bootstrap: EnrolmentOptions }
)

/**
 * A renewable identity in memory: for tests and simulations. What was renewed is gone with the process, and the old certificate may have ended by then; what shall live longer belongs into {@link fileIdentity} or
 * a storage of your own.
 *
 * @throws TypeError if a part is missing
 */
export function memoryIdentity(options: MemoryIdentityOptions): RenewableIdentity {
  const { deviceId } = options
  if ('bootstrap' in options) {
    return storedIdentity({ deviceId, storage: createMemoryStorage(), bootstrap: options.bootstrap })
  }
  const { certificate, chain = '', privateKey, trustAnchors } = options
  for (const [name, value] of Object.entries({ certificate, privateKey, trustAnchors })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" must be a string that is not empty`)
  }
  const current: StoredCredential = { certificate: certificate + chain, privateKey, trustAnchors }
  return storedIdentity({ deviceId, storage: createMemoryStorage({ current }) })
}
