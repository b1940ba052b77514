import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyAlgorithm, Keyring, Signer } from '@fleetcert/core'
import { checkKeyName, isKeyName } from '@fleetcert/core'
import { checkOptions, type Pkcs11KeyringOptions } from './options.ts'
import { SessionPool } from './session-pool.ts'
import { TokenFailure, toPkiError } from './token-failure.ts'
import { openTokenSigner } from './token-signer.ts'
import { Turns } from './turns.ts'
import { warnExtractable } from './warnings.ts'

const mostAttempts = 8

/**
 * Of several processes that made the key at once, all may have taken theirs away again: then they go on one after the other.
 * @returns the CKA_ID of the key
 */
async function createInToken(pool: SessionPool, label: string, algorithm: KeyAlgorithm): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    const keyId = new Uint8Array(randomBytes(16))
    try {
      await pool.call({ type: 'create', label, algorithm, keyId })
      return keyId
    } catch (error) {
      const isContested = error instanceof TokenFailure && error.failure.kind === 'contested'
      if (!isContested || attempt === mostAttempts) throw error
      await sleep(randomInt(20, 100 * attempt))
    }
  }
}

/** A {@link Keyring} in a token, to be closed when its signers are used no more. */
export interface Pkcs11Keyring extends Keyring, AsyncDisposable {
  /**
   * Closes the sessions, which ends the login, and finalises the module if this was its last keyring in the process and had initialised it. What is under way is waited for; what comes later rejects `ERR_PKI_CLOSED`, signatures by its
   * signers too. Idempotent.
   */
  close(): Promise<void>
}

/**
 * Keys in a PKCS #11 token: an HSM, a smart card, SoftHSM. They are made there, cannot be extracted, and never are in this process.
 *
 * A key's name is its CKA_LABEL, in both halves. Opened are P-256, P-384, Ed25519 where the token has it, and RSA of 2048 to 4096 bits, made by this package or by other tools; the digest is computed here, and the token signs it.
 * No I/O until a method is called. Calls go to up to `sessions` sessions, each in a thread of its own, so the event loop never waits for the token. A lost session, a token that was away, an ended login and a module that was
 * finalised by others are made good where possible, and what was under way is done once more.
 *
 * The PIN is used when the process is not logged in yet. One that the token has refused is not tried again by this process, and the last try before the token locks itself is left to people.
 *
 * `create` of several callers for one name: at most one succeeds, as long as the token shows a new key to all its sessions at once; the others reject `ERR_PKI_KEY_EXISTS`. An `open` meanwhile may see a key that is
 * taken away again.
 *
 * Methods reject, beside the codes of {@link Keyring}: `ERR_PKI_HSM_UNAVAILABLE`, `ERR_PKI_HSM_PIN`, `ERR_PKI_KEY_MISSING` (signing with a key that was deleted), `ERR_PKI_SIGNER`, `ERR_PKI_SIGNER_BUSY`, `ERR_PKI_CLOSED`.
 *
 * @example
 * ```ts
 * import { pkcs11Keyring } from '@fleetcert/signer-pkcs11'
 *
 * const keyring = pkcs11Keyring({ module: '/usr/lib/softhsm/libsofthsm2.so', tokenLabel: 'fleet', pin: '1234' })
 * ```
 */
export function pkcs11Keyring(options: Pkcs11KeyringOptions): Pkcs11Keyring {
  const { labelPrefix, ...settings } = checkOptions(options)
  const pool = new SessionPool(settings)
  const creations = new Turns()
  const labelOf = (name: string): string => labelPrefix + checkKeyName(name)

  /** What `work` does; `algorithm` is what a caller has asked for. */
  const orPkiError = async <T>(name: string, algorithm: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw toPkiError(error, name, algorithm)
    }
  }

  const openLabel = async (name: string, label: string, keyId?: Uint8Array): Promise<Signer | undefined> => {
    const found = await pool.call({ type: 'find', label, ...(keyId === undefined ? {} : { keyId }) })
    if (found === undefined) return undefined
    if (found.isExtractable) warnExtractable(name)
    return openTokenSigner(pool, name, label, found)
  }

  const close = (): Promise<void> => pool.close()
  return {
    async create(name: string, algorithm: KeyAlgorithm): Promise<Signer> {
      const label = labelOf(name)
      return orPkiError(name, algorithm, async () => {
        const keyId = await creations.take(() => createInToken(pool, label, algorithm))
        const signer = await openLabel(name, label, keyId)
        if (signer === undefined) throw new TokenFailure({ kind: 'missing', reason: 'the key was deleted at once' })
        return signer
      })
    },

    async open(name: string): Promise<Signer | undefined> {
      const label = labelOf(name)
      return orPkiError(name, 'unknown', () => openLabel(name, label))
    },

    async list(): Promise<readonly string[]> {
      const labels = await orPkiError('', 'unknown', () => pool.call({ type: 'list' }))
      const names = labels.filter(label => label.startsWith(labelPrefix)).map(label => label.slice(labelPrefix.length))
      return [...new Set(names.filter(isKeyName))].sort()
    },

    async delete(name: string): Promise<void> {
      const label = labelOf(name)
      await orPkiError(name, 'unknown', () => pool.call({ type: 'delete', label }))
    },

    close,
    [Symbol.asyncDispose]: close,
  }
}
