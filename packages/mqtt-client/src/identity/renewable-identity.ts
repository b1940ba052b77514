import { PkiError } from '@fleetcert/x509'
import type { DeviceCredentialText, DeviceIdentity } from '../device-identity.ts'
import { type EnrolmentOptions, enrolIdentity } from './enrol-identity.ts'
import type { IdentityStorage, LoadedState, StoredCredential } from './identity-state.ts'
import { joinTrustAnchors } from './trust-anchors.ts'

/** An identity that keeps its own credential, so that it can be renewed: what `renewal` of {@link connectDevice} needs. */
export interface RenewableIdentity extends DeviceIdentity {
  /**
   * The current credential. With `bootstrap`, the first one is enrolled for when there is none.
   *
   * @throws PkiError `ERR_PKI_IDENTITY`, `ERR_PKI_IDENTITY_UNWRITABLE`; while enrolling also `ERR_PKI_HUB_REFUSED`, `ERR_PKI_HUB_ANSWER`, `ERR_PKI_UNREACHABLE`, `ERR_PKI_TLS` and `ERR_PKI_SERVER_*`
   */
  credential(): Promise<DeviceCredentialText>
  readonly storage: IdentityStorage
}

/** What {@link storedIdentity} is made of. */
export interface StoredIdentityOptions {
  readonly deviceId: string
  readonly storage: IdentityStorage
  /** How to get the first certificate. */
  readonly bootstrap?: EnrolmentOptions
}

/**
 * A renewable identity in a storage of your own: a database, a secure element's file system, a key service.
 *
 * @throws TypeError if a part is missing
 */
export function storedIdentity(options: StoredIdentityOptions): RenewableIdentity {
  const { deviceId, storage, bootstrap } = options
  if (typeof deviceId !== 'string' || deviceId === '')
    throw new TypeError('"deviceId" must be a string that is not empty')
  if (typeof storage?.load !== 'function' || typeof storage.save !== 'function') {
    throw new TypeError('"storage" must be an IdentityStorage')
  }
  const enrol = bootstrap === undefined ? undefined : enrolIdentity(deviceId, storage, bootstrap)
  return {
    deviceId,
    storage,
    async credential() {
      let loaded = await storage.load()
      if (loaded.state.current === undefined && enrol !== undefined) {
        await enrol()
        loaded = await storage.load()
      }
      const credential = currentCredential(loaded)
      if (credential === undefined) throw new PkiError('ERR_PKI_IDENTITY', { reason: 'there is no certificate yet' })
      return credential
    },
  }
}

/** Whether an identity keeps its own credential. */
export function isRenewable(identity: DeviceIdentity): identity is RenewableIdentity {
  const { storage } = identity as Partial<RenewableIdentity>
  return typeof storage?.load === 'function' && typeof storage.save === 'function'
}

/** The credential in use; `undefined` before the first enrolment. */
export function currentCredential({ state, localTrustAnchors }: LoadedState): StoredCredential | undefined {
  const { current } = state
  if (current === undefined) return undefined
  return { ...current, trustAnchors: allTrustAnchors(localTrustAnchors, current.trustAnchors) }
}

/** The credential that is to be tried; `undefined` until the hub has answered. */
export function pendingCredential({ state, localTrustAnchors }: LoadedState): StoredCredential | undefined {
  const { certificate, privateKey, trustAnchors = '' } = state.pending ?? {}
  if (certificate === undefined || privateKey === undefined) return undefined
  return { certificate, privateKey, trustAnchors: allTrustAnchors(localTrustAnchors, trustAnchors) }
}

function allTrustAnchors(local: string | undefined, announced: string): string {
  if (local === undefined || announced === '') return local ?? announced
  return joinTrustAnchors(local, announced)
}
