import type { PkiError } from '@fleetcert/x509'
import type { DeviceIdentity } from './device-identity.ts'
import { createCredentialReader, type TlsCredential } from './read-credential.ts'

/**
 * What a link connects with, and where it tells how that went. One call at a time: {@link next}, then {@link connected} or {@link failed} with what it answered, or neither when the connection was closed meanwhile. @internal
 */
export interface CredentialSource {
  /**
   * The credential of the attempt that begins now.
   *
   * @throws PkiError when there is none; the link tells it as an event and tries again later
   */
  next(): Promise<TlsCredential>
  /** The broker sent CONNACK: it accepts this credential. `client.connected` is true from now on, and what waited for the connection is being sent. */
  connected(credential: TlsCredential): void
  /**
   * The attempt ended before CONNACK, or with one that refuses.
   *
   * Answers whether {@link next} has another credential that is worth an attempt at once, without a wait. The link heeds it once between two waits, so that a source that always says so is no storm.
   */
  failed(credential: TlsCredential, error: PkiError): boolean
}

/** The source of an identity that has one credential at a time. @internal */
export function identitySource(identity: DeviceIdentity): CredentialSource {
  return { next: createCredentialReader(identity), connected: () => {}, failed: () => false }
}
