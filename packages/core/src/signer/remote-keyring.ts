import { checkNames, isPkiError, type KnownNames, PkiError } from '@fleetcert/x509'
import { unreadable } from './key-error.ts'
import { checkKeyName } from './key-name.ts'
import type { KeyAlgorithm, Keyring, Signer } from './signer.ts'

/** A key by its name: its signer, or how to come by it, asked for at the first use. `undefined`: there is no such key at the remote end. */
export type RemoteKey = Signer | (() => Promise<Signer | undefined>)

/** Options of {@link remoteKeyring}. */
export interface RemoteKeyringOptions {
  /**
   * `true` while the store is still empty and the keys are there already, as they are when an administrator made them: `list()` then names none, and `openFleet` makes the fleet with them. Leave it out afterwards: an empty store beside keys
   * that have signed is a store that was lost (`ERR_PKI_STORE_LOST`), and would be given a second root of the same key.
   */
  readonly firstStart?: boolean
  /** Makes a key that is not there. Without it keys are made at the remote end alone, and `create` rejects `ERR_PKI_KEY_UNWRITABLE`. */
  readonly create?: (name: string, algorithm: KeyAlgorithm) => Promise<Signer>
  /** Deletes a key. Without it keys are deleted at the remote end alone, and `delete` rejects `ERR_PKI_KEY_UNWRITABLE`. */
  readonly delete?: (name: string) => Promise<void>
}

const optionNames: KnownNames<RemoteKeyringOptions> = { firstStart: true, create: true, delete: true }

/**
 * Keys that are elsewhere, by the names that a fleet knows them under: `root` and `ca`.
 *
 * @example
 * ```ts
 * const fleet = await openFleet({
 *   store: sqliteStore({ file: 'fleet.db' }),
 *   keyring: { root: remoteKeyring({ root }), issuing: fileKeyring('certs') },
 * })
 * ```
 * @throws TypeError; PkiError `ERR_PKI_KEY_NAME`
 */
export function remoteKeyring(keys: Readonly<Record<string, RemoteKey>>, options: RemoteKeyringOptions = {}): Keyring {
  checkNames('remoteKeyring', options, optionNames)
  if (typeof keys !== 'object' || keys === null) throw new TypeError('remoteKeyring: keys: expected signers by name')
  const known = new Map<string, RemoteKey>()
  for (const [name, key] of Object.entries(keys)) {
    if (typeof key !== 'function' && typeof key?.sign !== 'function') {
      throw new TypeError(`remoteKeyring: ${name}: expected a Signer, or a function that resolves one`)
    }
    known.set(checkKeyName(name), key)
  }
  const creating = new Set<string>()

  const open = async (name: string): Promise<Signer | undefined> => {
    const key = known.get(name)
    if (typeof key !== 'function') return key
    let signer: Signer | undefined
    try {
      signer = await key()
    } catch (error) {
      throw isPkiError(error) ? error : unreadable(name, 'the remote end does not tell of it', error)
    }
    // Asked for once; a failure is not kept.
    if (signer !== undefined && known.get(name) === key) known.set(name, signer)
    return signer
  }

  return {
    async create(name: string, algorithm: KeyAlgorithm): Promise<Signer> {
      checkKeyName(name)
      if (creating.has(name)) throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
      creating.add(name)
      try {
        if ((await open(name)) !== undefined) throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
        if (options.create === undefined) {
          const reason = 'it is made at the remote end, and then named to remoteKeyring'
          throw new PkiError('ERR_PKI_KEY_UNWRITABLE', { name, reason })
        }
        const signer = await options.create(name, algorithm)
        known.set(name, signer)
        return signer
      } finally {
        creating.delete(name)
      }
    },
    async open(name: string): Promise<Signer | undefined> {
      return open(checkKeyName(name))
    },
    async list(): Promise<readonly string[]> {
      if (options.firstStart === true) return []
      const names = await Promise.all(
        [...known.keys()].map(async name => ((await open(name)) === undefined ? [] : name)),
      )
      return names.flat().sort()
    },
    async delete(name: string): Promise<void> {
      if (!known.has(checkKeyName(name))) return
      if (options.delete === undefined) {
        throw new PkiError('ERR_PKI_KEY_UNWRITABLE', { name, reason: 'it is deleted at the remote end' })
      }
      await options.delete(name)
      known.delete(name)
    },
  }
}
