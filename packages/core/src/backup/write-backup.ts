import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { releaseOctets } from '../revocation/release-octets.ts'
import { syncDirectory } from '../signer/key-directory.ts'
import { hasNoLinks } from '../signer/key-file.ts'
import { orUnwritable } from './unwritable.ts'

/** What {@link writeBackup} has written. */
export interface WrittenBackup {
  /** As it was given. */
  readonly path: string
  /** Size of the file. */
  readonly octets: number
}

const writeOctets = 1024 * 1024
/** So much is written before the disk is asked for it: while the next is made, it works. */
const syncOctets = 32 * 1024 * 1024

/**
 * Writes a backup to a new file, mode 0600: under another name (`.<name>.<random>.partial`) until all of it is on the disk, so a file of the name given is whole, whatever happens in between. Nothing is overwritten.
 * A process that dies leaves its partial file behind: delete it. The pieces are given up to this function, which gives their memory back.
 *
 * @throws PkiError `ERR_PKI_BACKUP_UNWRITABLE` with the system's code (`ENOSPC`, `EEXIST`, …) as `details.reason`; and what the backup rejects.
 */
export async function writeBackup(path: string, backup: AsyncIterable<Uint8Array>): Promise<WrittenBackup> {
  if (typeof path !== 'string' || path === '') throw new TypeError('path: expected a path')
  const partial = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.partial`)
  const file = await orUnwritable(path, open(partial, 'wx', 0o600))
  try {
    let octets: number
    try {
      octets = await writeAll(file, path, backup)
      await orUnwritable(path, file.sync())
    } finally {
      await file.close()
    }
    await orUnwritable(path, giveName(partial, path))
    await orUnwritable(path, syncDirectory(dirname(path)))
    return { path, octets }
  } finally {
    await unlink(partial).catch(() => {})
  }
}

/** Fails if the name is taken, where a rename alone would overwrite. FAT, as on most memory sticks, has no hard links: there the name is taken first, and a crash may leave an empty file of it. */
async function giveName(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path)
  } catch (error) {
    if (!hasNoLinks(error)) throw error
    const claim = await open(path, 'wx', 0o600)
    await claim.close()
    await rename(partial, path)
  }
}

/** Writes while the next piece is made; one write at a time. */
async function writeAll(file: FileHandle, path: string, backup: AsyncIterable<Uint8Array>): Promise<number> {
  let octets = 0
  let pieces: Uint8Array[] = []
  let held = 0
  let writing: Promise<void> = Promise.resolve()
  let syncing: Promise<void> = Promise.resolve()
  let synced = 0
  const flush = async (): Promise<void> => {
    await writing
    const due = pieces
    pieces = []
    held = 0
    writing = orUnwritable(path, writeWhole(file, due))
    // Met at the next flush; meanwhile it is nobody's.
    writing.catch(() => {})
    if (octets - synced >= syncOctets) {
      synced = octets
      // A disk tells of a failure once.
      syncing = syncing.then(() => orUnwritable(path, file.datasync()))
      syncing.catch(() => {})
    }
  }
  for await (const piece of backup) {
    pieces.push(piece)
    held += piece.length
    octets += piece.length
    if (held >= writeOctets) await flush()
  }
  await flush()
  await writing
  await syncing
  return octets
}

async function writeWhole(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const octets = pieces.reduce((sum, { length }) => sum + length, 0)
  const { bytesWritten } = await file.writev(pieces)
  if (bytesWritten < octets) {
    // A disk that is full takes a part, and refuses the rest.
    const rest = Buffer.concat(pieces).subarray(bytesWritten)
    for (let at = 0; at < rest.length; ) at += (await file.write(rest, at)).bytesWritten
  }
  releaseOctets(pieces)
}
