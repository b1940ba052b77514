import { type KeyObject, randomBytes, createPrivateKey as readPrivateKey } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PkiError, softwareSigner } from '@fleetcert/x509'
import { encryptPrivateKey } from './encrypted-private-key.ts'
import { checkKeyName } from './key-name.ts'
import { createPrivateKey } from './key-pair.ts'
import type { KeyAlgorithm, Keyring, Signer } from './signer.ts'

const suffix = '-key.pem'
const posix = process.platform !== 'win32'

/** Options of {@link fileKeyring}. */
export interface FileKeyringOptions {
  /** Encrypts new keys (PKCS #8, PBES2: scrypt and AES-256) and opens encrypted ones. Asked for at most once per key. Without it keys are written in the clear, mode 0600. */
  readonly passphrase?: string | (() => Promise<string>)
}

/**
 * Keys as PKCS #8 PEM files `<name>-key.pem` in one folder, mode 0600, made atomically: a key file is whole or absent, and is never overwritten.
 * The folder is made (0755) when the first key is. A key file that others can read, or a folder that others can write, is refused with `ERR_PKI_KEY_PERMISSIONS` (not on Windows).
 */
export function fileKeyring(directory: string, options: FileKeyringOptions = {}): Keyring {
  if (typeof directory !== 'string' || directory === '') throw new TypeError('directory: expected a path')
  if (options.passphrase === '') throw new TypeError('passphrase: must not be empty')
  const pathOf = (name: string): string => join(directory, checkKeyName(name) + suffix)

  return {
    async create(name: string, algorithm: KeyAlgorithm): Promise<Signer> {
      const path = pathOf(name)
      await mkdir(directory, { recursive: true, mode: 0o755 })
      await checkDirectory(directory)
      const key = await createPrivateKey(algorithm)
      const passphrase = await passphraseOf(options)
      const text =
        passphrase === undefined
          ? (key.export({ type: 'pkcs8', format: 'pem' }) as string)
          : await encryptPrivateKey(key, passphrase)
      await writeNewFile(directory, path, text, name)
      return softwareSigner(key)
    },

    async open(name: string): Promise<Signer | undefined> {
      const path = pathOf(name)
      let text: string
      try {
        await checkDirectory(directory)
        const { mode } = await stat(path)
        if (posix && (mode & 0o077) !== 0) throw permissions(path, mode)
        text = await readFile(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        if (error instanceof PkiError) throw error
        throw new PkiError('ERR_PKI_KEY_UNREADABLE', { name, reason: (error as NodeJS.ErrnoException).code ?? 'I/O' })
      }
      return softwareSigner(await decode(name, text, options))
    },

    async list(): Promise<readonly string[]> {
      let entries: string[]
      try {
        entries = await readdir(directory)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
      const names = entries.filter(entry => entry.endsWith(suffix)).map(entry => entry.slice(0, -suffix.length))
      return names.filter(name => /^[a-z][a-z0-9-]{0,63}$/.test(name)).sort()
    },

    async delete(name: string): Promise<void> {
      await unlink(pathOf(name)).catch(ignoreMissing)
      await syncDirectory(directory)
    },
  }
}

async function decode(name: string, text: string, options: FileKeyringOptions): Promise<KeyObject> {
  const encrypted = text.includes('ENCRYPTED')
  const passphrase = encrypted ? await passphraseOf(options) : undefined
  if (encrypted && passphrase === undefined) throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
  try {
    return readPrivateKey(passphrase === undefined ? { key: text } : { key: text, passphrase })
  } catch {
    // The library's error is dropped: it may quote what it read.
    if (encrypted) throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
    throw new PkiError('ERR_PKI_KEY_UNREADABLE', { name, reason: 'not a PKCS #8 private key in PEM' })
  }
}

async function passphraseOf(options: FileKeyringOptions): Promise<string | undefined> {
  const passphrase = typeof options.passphrase === 'function' ? await options.passphrase() : options.passphrase
  if (passphrase === '') throw new PkiError('ERR_PKI_KEY_PASSPHRASE', {})
  return passphrase
}

/** Temporary file, fsync, hard link to the final name: `link` fails if the name is taken, where a rename would overwrite. */
async function writeNewFile(directory: string, path: string, text: string, name: string): Promise<void> {
  const temporary = join(directory, `.${randomBytes(8).toString('hex')}.tmp`)
  const file = await open(temporary, 'wx', 0o600)
  try {
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
    throw error
  } finally {
    await unlink(temporary).catch(ignoreMissing)
  }
  await syncDirectory(directory)
}

async function syncDirectory(directory: string): Promise<void> {
  if (!posix) return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function checkDirectory(directory: string): Promise<void> {
  const { mode } = await stat(directory)
  if (posix && (mode & 0o022) !== 0) throw permissions(directory, mode)
}

function permissions(path: string, mode: number): PkiError {
  return new PkiError('ERR_PKI_KEY_PERMISSIONS', { path, mode: (mode & 0o777).toString(8) })
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
