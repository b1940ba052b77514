import { PkiError, softwareSigner } from '@fleetcert/x509'
import { checkKeyName } from './key-name.ts'
import { createPrivateKey } from './key-pair.ts'
import type { KeyAlgorithm, Keyring, Signer } from './signer.ts'

/** Keys that live as long as the process: for tests, and for issuing CAs that are made anew. */
export function memoryKeyring(): Keyring {
  const keys = new Map<string, Signer | 'reserved'>()
  return {
    async create(name: string, algorithm: KeyAlgorithm): Promise<Signer> {
      checkKeyName(name)
      if (keys.has(name)) throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
      keys.set(name, 'reserved')
      try {
        const signer = softwareSigner(await createPrivateKey(algorithm))
        keys.set(name, signer)
        return signer
      } catch (error) {
        keys.delete(name)
        throw error
      }
    },
    async open(name: string): Promise<Signer | undefined> {
      const signer = keys.get(checkKeyName(name))
      return signer === 'reserved' ? undefined : signer
    },
    async list(): Promise<readonly string[]> {
      return [...keys.keys()].sort()
    },
    async delete(name: string): Promise<void> {
      keys.delete(checkKeyName(name))
    },
  }
}
