import type { Keyring } from '../signer/signer.ts'
import type { KeyringRole } from './format/backup-json.ts'

/** One keyring for all CAs, or one for roots and one for the others, as in `keyring` of `openFleet`. */
export type FleetKeyrings = Keyring | Readonly<Record<KeyringRole, Keyring>>

/** The keyring of each role; both are the same where there is one. */
export function keyringsOf(keyring: FleetKeyrings): Readonly<Record<KeyringRole, Keyring>> {
  const isOne = typeof (keyring as Partial<Keyring> | undefined)?.open === 'function'
  const keyrings = isOne ? { root: keyring as Keyring, issuing: keyring as Keyring } : keyring
  const { root, issuing } = (keyrings ?? {}) as Partial<Record<KeyringRole, Keyring>>
  if (typeof root?.open !== 'function' || typeof issuing?.open !== 'function') {
    throw new TypeError("keyring: expected a Keyring, for instance fileKeyring('certs'), or { root, issuing }")
  }
  return { root, issuing }
}
