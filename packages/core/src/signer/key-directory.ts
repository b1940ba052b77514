import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkAccess } from './file-access.ts'
import { systemCode } from './key-error.ts'

/**
 * That a folder is one, belongs to this process or to root, and is writable by no others.
 * @throws PkiError `ERR_PKI_KEY_PERMISSIONS`; errors of the system as they are.
 */
export async function checkDirectory(directory: string): Promise<void> {
  const stats = await stat(directory)
  if (!stats.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
  checkAccess(directory, stats, 0o022)
}

/** Makes a folder (0755) and its parents where they are missing, durably; then {@link checkDirectory}. */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await checkDirectory(directory)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await makeDirectory(directory)
    await checkDirectory(directory)
  }
}

/** Makes the entries of a folder durable, where the file system knows how. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network and FUSE file systems have no fsync() of folders.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/**
 * Not mkdir(…, { recursive: true }): below a parent that exists and takes no folder, such as /proc or a link to nothing, Node 24 goes back and forth between the two for ever.
 * Here each folder is asked for once more after its parent was made, and that is all.
 */
async function makeDirectory(directory: string): Promise<void> {
  const parent = dirname(directory)
  for (let hasParent = false; ; hasParent = true) {
    try {
      await mkdir(directory, { mode: 0o755 })
      return await syncDirectory(parent)
    } catch (error) {
      if (await isDirectory(directory)) return
      if (hasParent || parent === directory || systemCode(error) !== 'ENOENT') throw error
    }
    await makeDirectory(parent)
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    stats => stats.isDirectory(),
    () => false,
  )
}
