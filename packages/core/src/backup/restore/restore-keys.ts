import { PkiError, toHex } from '@fleetcert/x509'
import type { Keyring, Signer } from '../../signer/signer.ts'
import type { BackupKey, KeyringRole } from '../format/backup-json.ts'

/** A key of the fleet after a restore. */
export interface RestoredKey {
  /** Where there are two keyrings, which. */
  readonly keyring: KeyringRole
  /** In its keyring. */
  readonly name: string
  /**
   * `imported` from the backup; `present`: the keyring had it; `missing`: neither has it, as of a root that is away. What needs a missing key rejects `ERR_PKI_KEY_MISSING` until it is there.
   */
  readonly status: 'imported' | 'present' | 'missing'
}

type Keyrings = Readonly<Record<KeyringRole, Keyring>>

/**
 * Puts the keys of a backup into keyrings: all, or none of those that were not there. A name that is taken by the same key is fine, by another `ERR_PKI_KEY_EXISTS`.
 * @throws PkiError `ERR_PKI_KEY_EXISTS`, `ERR_PKI_BACKUP` for a key of another CA, and what the keyring rejects
 */
export async function restoreKeys(keys: readonly BackupKey[], keyrings: Keyrings): Promise<readonly RestoredKey[]> {
  const imported: BackupKey[] = []
  try {
    const restored: RestoredKey[] = []
    for (const key of keys) {
      const { keyring, name } = key
      const status = await restoreKey(key, keyrings[keyring], () => imported.push(key))
      restored.push({ keyring, name, status })
    }
    return restored
  } catch (error) {
    for (const { keyring, name } of imported) await keyrings[keyring].delete(name).catch(() => {})
    throw error
  }
}

/** Whether each name is free, or taken by the same key: asked before anything is written. @throws PkiError `ERR_PKI_KEY_EXISTS` */
export async function checkKeysFree(keys: readonly BackupKey[], keyrings: Keyrings): Promise<void> {
  for (const key of keys) await findKey(key, keyrings[key.keyring])
}

async function restoreKey(key: BackupKey, keyring: Keyring, done: () => void): Promise<RestoredKey['status']> {
  if ((await findKey(key, keyring)) !== undefined) return 'present'
  const { name, pem } = key
  if (pem === undefined || keyring.import === undefined) return 'missing'
  const signer = await keyring.import(name, pem)
  done()
  if (!isKeyOf(signer, key)) throw new PkiError('ERR_PKI_BACKUP', { reason: 'a key in it is not that of its CA' })
  return 'imported'
}

async function findKey(key: BackupKey, keyring: Keyring): Promise<Signer | undefined> {
  const signer = await keyring.open(key.name)
  if (signer !== undefined && !isKeyOf(signer, key)) throw new PkiError('ERR_PKI_KEY_EXISTS', { name: key.name })
  return signer
}

/** A key without a CA certificate is compared with nothing. */
function isKeyOf({ publicKey }: Signer, key: BackupKey): boolean {
  return key.publicKey === undefined || toHex(publicKey) === key.publicKey
}
