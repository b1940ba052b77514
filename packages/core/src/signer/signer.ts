import type { MessageSigner } from '@fleetcert/x509'

/** What a key is, when it is made. */
export type KeyAlgorithm = 'P-256' | 'P-384' | 'Ed25519' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096'

/** One key that signs: a file, a token in an HSM, a KMS. */
export interface Signer extends MessageSigner {}

/**
 * Makes and opens named keys. Names are 1–64 of `a–z 0–9 -`, beginning with a letter (`ERR_PKI_KEY_NAME`). No I/O until a method is called.
 */
export interface Keyring {
  /** Makes a key. Rejects `ERR_PKI_KEY_EXISTS`, atomically, if the name is taken; `ERR_PKI_KEY_UNWRITABLE`, `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_PERMISSIONS`. */
  create(name: string, algorithm: KeyAlgorithm): Promise<Signer>
  /** `undefined` if there is no such key. Rejects `ERR_PKI_KEY_PASSPHRASE`, `ERR_PKI_KEY_UNREADABLE`, `ERR_PKI_KEY_PERMISSIONS`. */
  open(name: string): Promise<Signer | undefined>
  /** Rejects `ERR_PKI_KEY_UNREADABLE`. */
  list(): Promise<readonly string[]>
  /** Idempotent. Rejects `ERR_PKI_KEY_UNWRITABLE`. */
  delete(name: string): Promise<void>
}
