import type { KeyObject } from 'node:crypto'
import { PkiError, softwareSigner } from '@fleetcert/x509'
import { checkKeyName } from './key-name.ts'
import { createPrivateKey } from './key-pair.ts'
import { readKeyText } from './key-text.ts'
import type { KeyAlgorithm, Keyring, Signer } from './signer.ts'

interface MemoryKey {
  readonly key: KeyObject
  readonly signer: Signer
}

/** Keys that live as long as the process: for tests, and for issuing CAs that are made anew. */
export function memoryKeyring(): Keyring {
  const keys = new Map<string, MemoryKey | 'reserved'>()

  const add = async (name: string, make: () => Promise<KeyObject>): Promise<Signer> => {
    checkKeyName(name)
    if (keys.has(name)) throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
    keys.set(name, 'reserved')
    try {
      const key = await make()
      const signer = softwareSigner(key)
      keys.set(name, { key, signer })
      return signer
    } catch (error) {
      keys.delete(name)
      throw error
    }
  }
  const find = (name: string): MemoryKey | undefined => {
    const found = keys.get(checkKeyName(name))
    return found === 'reserved' ? undefined : found
  }

  return {
    create: async (name: string, algorithm: KeyAlgorithm) => add(name, () => createPrivateKey(algorithm)),
    open: async (name: string) => find(name)?.signer,
    export: async (name: string) => find(name)?.key.export({ type: 'pkcs8', format: 'pem' }) as string | undefined,
    import: async (name: string, pem: string) => add(name, () => readKeyText(pem, name, undefined)),
    async list(): Promise<readonly string[]> {
      return [...keys.keys()].sort()
    },
    async delete(name: string): Promise<void> {
      keys.delete(checkKeyName(name))
    },
  }
}
