import type { MessageSigner } from '@fleetcert/x509'

/**
 * What a key is, when it is made. ML-DSA (FIPS 204) takes Node.js 24.7, on both sides: whoever verifies needs a library that knows it (OpenSSL 3.5).
 */
export type KeyAlgorithm =
  | 'P-256'
  | 'P-384'
  | 'Ed25519'
  | 'RSA-2048'
  | 'RSA-3072'
  | 'RSA-4096'
  | 'ML-DSA-44'
  | 'ML-DSA-65'

/** One key that signs: a file, a token in an HSM, a KMS. */
export interface Signer extends MessageSigner {}

/**
 * Makes and opens named keys. Names are 1–64 of `a–z 0–9 -`, beginning with a letter (`ERR_PKI_KEY_NAME`). No I/O until a method is called.
 */
export interface Keyring {
  /** Makes a key. Rejects `ERR_PKI_KEY_EXISTS`, atomically, if the name is taken; `ERR_PKI_ALGORITHM` if it makes no such keys; `ERR_PKI_KEY_UNWRITABLE`, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_PERMISSIONS`. */
  create(name: string, algorithm: KeyAlgorithm): Promise<Signer>
  /** `undefined` if there is no such key. Rejects `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_UNREADABLE`, `ERR_PKI_KEY_PERMISSIONS`. */
  open(name: string): Promise<Signer | undefined>
  /** Rejects `ERR_PKI_KEY_UNREADABLE`. */
  list(): Promise<readonly string[]>
  /** Idempotent. Rejects `ERR_PKI_KEY_UNWRITABLE`. */
  delete(name: string): Promise<void>
  /**
   * The key as PEM, under the protection that it has: an encrypted key stays encrypted, and no passphrase is asked for. `undefined` if there is no such key. Absent where keys cannot leave, as in an HSM.
   * Rejects `ERR_PKI_KEY_UNREADABLE`, `ERR_PKI_KEY_PERMISSIONS`.
   */
  export?(name: string): Promise<string | undefined>
  /**
   * Takes in a key that was made elsewhere: PEM, in the clear or encrypted under the passphrase of this keyring. One in the clear gets the protection that keys made here have. Absent where keys cannot come in.
   * Rejects `ERR_PKI_KEY_EXISTS`, atomically, if the name is taken; `ERR_PKI_KEY_UNREADABLE` for what is no key that this keyring holds, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_UNWRITABLE`, `ERR_PKI_KEY_PERMISSIONS`.
   */
  import?(name: string, pem: string): Promise<Signer>
}
