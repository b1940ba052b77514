import type { KeyObject } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkNames, PkiError, softwareSigner } from '@fleetcert/x509'
import { mountedSecret } from '../unsafe.ts'
import { encryptPrivateKey } from './encrypted-private-key.ts'
import { checkDirectory, prepareDirectory } from './key-directory.ts'
import { orUnreadable, orUnwritable, systemCode } from './key-error.ts'
import { readKeyFile, removeKeyFile, writeKeyFile } from './key-file.ts'
import { checkKeyName, isKeyName } from './key-name.ts'
import { createPrivateKey } from './key-pair.ts'
import { isEncrypted, readKeyText } from './key-text.ts'
import type { KeyAlgorithm, Keyring, Signer } from './signer.ts'

const suffix = '-key.pem'

/** Options of {@link fileKeyring}. */
export interface FileKeyringOptions {
  /**
   * Encrypts new keys (PKCS #8, PBES2: scrypt and AES-256) and opens encrypted ones; a key in the clear is refused then. A function is asked once per key that is made or opened, and must resolve a string that is not empty.
   * Without it keys are written in the clear, mode 0600, with the process warning `FLEETCERT_UNENCRYPTED_KEY` at the first of a folder. Left out is without; present and `undefined`, as an unset variable gives it, is a TypeError.
   */
  readonly passphrase?: string | (() => Promise<string>)
  /** `mountedSecret` of `@fleetcert/core/unsafe`: the folder is read as it is, whoever may read or write it, and never written to. Left out, permissions and owners are checked. */
  readonly access?: typeof mountedSecret
}

/**
 * Keys as PKCS #8 PEM files `<name>-key.pem` in one folder, mode 0600, made atomically: a key file is whole or absent, and is never overwritten.
 * On file systems without hard links (FAT, some network shares) a crash may leave a part of a file, which is `ERR_PKI_KEY_UNREADABLE` then.
 *
 * The folder is made (0755) when the first key is. A key file that others can read, a folder that others can write, and either if it belongs to another user than this process's or root, is refused with
 * `ERR_PKI_KEY_PERMISSIONS` (not on Windows; nor by the unsafe option `access`). Links are followed, and what they lead to is checked.
 *
 * Opened are files of up to 64 KiB with one private key in them: P-256, P-384, Ed25519, RSA of 2048 to 4096 bits, ML-DSA-44 and ML-DSA-65 (Node.js 24.7); in the clear also as `EC PRIVATE KEY` or `RSA PRIVATE KEY`, encrypted under PBES2 with PBKDF2 or scrypt and AES-CBC.
 * A file that was damaged in its first octets alone cannot be told from a wrong passphrase and is `ERR_PKI_KEY_PASSPHRASE`; any other damage is `ERR_PKI_KEY_UNREADABLE`.
 *
 * A `create` that rejects `ERR_PKI_KEY_UNWRITABLE` after the key got its name leaves it there: another process may have opened it.
 */
export function fileKeyring(directory: string, options: FileKeyringOptions = {}): Keyring {
  if (typeof directory !== 'string' || directory === '') throw new TypeError('directory: expected a path')
  checkNames('fileKeyring', options, { passphrase: true, access: true })
  const isMounted = isMountedSecret(options.access)
  const passphrase = passphraseOf(options)
  const pathOf = (name: string): string => join(directory, checkKeyName(name) + suffix)

  const checkWritable = (name: string): void => {
    checkKeyName(name)
    if (isMounted) throw new PkiError('ERR_PKI_KEY_UNWRITABLE', { name, reason: 'a mounted secret is only read' })
  }

  const read = (name: string): Promise<string | undefined> => {
    const path = pathOf(name)
    return orUnreadable(name, async () => {
      if (isMounted) return readKeyFile(path, name, { access: 'any' })
      try {
        await checkDirectory(directory)
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined
        throw error
      }
      return readKeyFile(path, name, { access: 'ours' })
    })
  }

  const write = async (name: string, text: string): Promise<void> => {
    const path = pathOf(name)
    await orUnwritable(name, () => prepareDirectory(directory))
    await orUnwritable(name, () => writeKeyFile(path, name, text))
  }

  /** A key as it is written; `secret` is what the passphrase was asked to be. */
  const textOf = async (key: KeyObject, secret: string | undefined): Promise<string> =>
    secret === undefined
      ? (key.export({ type: 'pkcs8', format: 'pem' }) as string)
      : await encryptPrivateKey(key, secret)

  return {
    async create(name: string, algorithm: KeyAlgorithm): Promise<Signer> {
      checkWritable(name)
      // First, so that a passphrase that is not there leaves no trace.
      const secret = await passphrase?.()
      const key = await createPrivateKey(algorithm)
      await write(name, await textOf(key, secret))
      if (secret === undefined) warnOnce(directory)
      return softwareSigner(key)
    },

    async open(name: string): Promise<Signer | undefined> {
      const text = await read(name)
      return text === undefined ? undefined : softwareSigner(await readKeyText(text, name, passphrase))
    },

    export: async name => read(name),

    async import(name: string, pem: string): Promise<Signer> {
      checkWritable(name)
      if (isEncrypted(pem)) {
        const key = await readKeyText(pem, name, passphrase)
        await write(name, pem)
        return softwareSigner(key)
      }
      const key = await readKeyText(pem, name, undefined)
      const secret = await passphrase?.()
      await write(name, await textOf(key, secret))
      if (secret === undefined) warnOnce(directory)
      return softwareSigner(key)
    },

    async list(): Promise<readonly string[]> {
      const entries = await orUnreadable(undefined, () =>
        readdir(directory).catch(error => {
          if (systemCode(error) === 'ENOENT') return []
          throw error
        }),
      )
      const names = entries.filter(entry => entry.endsWith(suffix)).map(entry => entry.slice(0, -suffix.length))
      return names.filter(isKeyName).sort()
    },

    async delete(name: string): Promise<void> {
      checkWritable(name)
      const path = pathOf(name)
      await orUnwritable(name, () => removeKeyFile(path))
    },
  }
}

/** Never by a value that somebody may come by without knowing what it is. */
function isMountedSecret(access: FileKeyringOptions['access']): boolean {
  if (access === undefined || access === mountedSecret) return access === mountedSecret
  throw new TypeError('fileKeyring: access: expected mountedSecret of @fleetcert/core/unsafe')
}

/** Asks for the passphrase; `undefined` if keys are meant to be in the clear, and for no other reason. */
function passphraseOf(options: FileKeyringOptions): (() => Promise<string>) | undefined {
  if (!('passphrase' in options)) return undefined
  const { passphrase } = options
  if (typeof passphrase === 'function') return () => askFor(passphrase)
  if (typeof passphrase !== 'string' || passphrase === '') {
    throw new TypeError(
      'passphrase: expected a string that is not empty, or a function; leave it out for keys in the clear',
    )
  }
  return async () => passphrase
}

async function askFor(ask: () => Promise<string>): Promise<string> {
  let passphrase: unknown
  try {
    passphrase = await ask()
  } catch (cause) {
    throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {}, { cause })
  }
  if (typeof passphrase !== 'string' || passphrase === '') throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
  return passphrase
}

// Of the process, as its warnings are: several keyrings of one folder are one matter.
const warned = new Set<string>()

function warnOnce(directory: string): void {
  const path = resolve(directory)
  if (warned.has(path)) return
  warned.add(path)
  process.emitWarning(
    `Keys in ${path} are not encrypted: whoever gets the files, or a backup of them, can sign. Give fileKeyring() a passphrase.`,
    { code: 'FLEETCERT_UNENCRYPTED_KEY' },
  )
}
