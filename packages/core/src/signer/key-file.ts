import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PkiError } from '@fleetcert/x509'
import { checkAccess } from './file-access.ts'
import { syncDirectory } from './key-directory.ts'
import { systemCode, unreadable } from './key-error.ts'

const limitBytes = 64 * 1024

// A FIFO without a writer would keep open() waiting, and a terminal become this process's own. Windows has neither flag.
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

/**
 * The text of a key file; `undefined` if there is none. Links are followed, as mounted secrets are links; what is checked is the file that was opened, and no path a second time; nothing of it with `access: 'any'`.
 * @throws PkiError `ERR_PKI_KEY_UNREADABLE`, `ERR_PKI_KEY_PERMISSIONS`; errors of the system as they are.
 */
export async function readKeyFile(
  path: string,
  name: string,
  { access }: { readonly access: 'ours' | 'any' },
): Promise<string | undefined> {
  let file: FileHandle
  try {
    file = await open(path, readOnly)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    // A link whose target is away (a secret not mounted yet) is a key that cannot be read; a missing key would be made anew.
    if (await isEntry(path)) throw unreadable(name, 'a link to nothing', error)
    return undefined
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw unreadable(name, 'not a regular file')
    if (access === 'ours') checkAccess(path, stats, 0o077)
    return await readText(file, name)
  } finally {
    await file.close()
  }
}

/**
 * Writes a key file that was not there, durably: to a temporary file, which then gets the final name by a hard link, since that fails if the name is taken, where a rename would overwrite.
 * Where the file system has no hard links, the final name is opened exclusively and written to: no file is overwritten there either, but a reader may see, and a crash may leave, a part of it.
 * @throws PkiError `ERR_PKI_KEY_EXISTS`, `ERR_PKI_KEY_PERMISSIONS`; errors of the system as they are.
 */
export async function writeKeyFile(path: string, name: string, text: string): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, `.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await writeExclusively(temporary, text)
    try {
      await link(temporary, path)
    } catch (error) {
      if (!hasNoLinks(error)) throw error
      await writeExclusively(path, text)
    }
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new PkiError('ERR_PKI_KEY_EXISTS', { name })
    throw error
  } finally {
    await unlink(temporary).catch(ignoreMissing)
  }
  await syncDirectory(directory)
}

/** Removes a key file, durably. That it is missing is no error. */
export async function removeKeyFile(path: string): Promise<void> {
  await unlink(path).catch(ignoreMissing)
  // Also when nothing was there: an earlier attempt may have removed it and died before this.
  await syncDirectory(dirname(path)).catch(ignoreMissing)
}

async function readText(file: FileHandle, name: string): Promise<string> {
  // Not by the size that stat() gave: the file may grow.
  const buffer = Buffer.alloc(limitBytes + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return buffer.toString('latin1', 0, length)
    length += bytesRead
    if (length > limitBytes) throw unreadable(name, 'larger than 64 KiB')
  }
}

async function writeExclusively(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    try {
      // FAT and CIFS have no modes of their own and may show every file to everybody; it must be known before the key is in it.
      checkAccess(path, await file.stat(), 0o077)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    await unlink(path).catch(() => {})
    throw error
  }
}

/** Whether `error` is what `link` fails with where the file system has no hard links. */
export function hasNoLinks(error: unknown): boolean {
  // EPERM is FAT's answer on Linux (link(2): "The filesystem … does not support the creation of hard links").
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error) ?? '')
}

async function isEntry(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error
}
