import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Modes of what a fleet's folder holds. */
export const fileModes = { secret: 0o600, public: 0o644 } as const

/**
 * Puts a whole file in place of what is there: who reads sees the old or the new one, also after a power cut. Folders are made (0755).
 * With `exclusive`, a file that is there stays, and `EEXIST` is thrown.
 */
export async function writeFileWhole(
  path: string,
  content: string | Uint8Array,
  mode: number,
  options: { readonly exclusive?: boolean } = {},
): Promise<void> {
  const directory = dirname(path)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(temporary, 'wx', mode)
  try {
    await file.writeFile(content)
    // What the umask took away.
    await file.chmod(mode)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    if (options.exclusive === true) await link(temporary, path)
    else return await rename(temporary, path)
  } finally {
    await unlink(temporary).catch(() => {})
    await syncDirectory(directory)
  }
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  await handle.sync().catch(() => {})
  await handle.close()
}
