import { constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'

/** What was read of a file, and who may read it. */
export interface FileContent {
  readonly text: string
  /** As stat(2) has it. */
  readonly mode: number
}

/** A file that is being written. */
export interface NewFile {
  write(text: string): Promise<void>
  /** What was written is on the disk when it resolves. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The few calls that an identity on disk is made of; each may fail with an error of the system. Tests put a disk behind it that loses its power.
 *
 * @internal
 */
export interface FileSystem {
  /** At most 1 MiB; a longer file is `EFBIG`. */
  read(path: string): Promise<FileContent>
  /** Names, in any order. */
  list(directory: string): Promise<readonly string[]>
  /** When it was last written to. */
  modifiedAt(path: string): Promise<Date>
  makeDirectory(path: string, mode: number): Promise<void>
  /** `EEXIST` if the name is taken. */
  create(path: string, mode: number): Promise<NewFile>
  /** `EEXIST` if `to` is taken: with it one of two writers wins. */
  link(from: string, to: string): Promise<void>
  /** Replaces `to`. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** The names in it are on the disk when it resolves. */
  syncDirectory(path: string): Promise<void>
}

const limitBytes = 1024 * 1024
// A FIFO without a writer would keep open() waiting. Windows has no such flag.
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** The file system of this machine. */
export const nodeFileSystem: FileSystem = {
  async read(path) {
    const { octets, mode } = await readOctets(path)
    return { text: octets.toString('utf8'), mode }
  },
  list: directory => readdir(directory),
  async modifiedAt(path) {
    return (await lstat(path)).mtime
  },
  async makeDirectory(path, mode) {
    await mkdir(path, { mode })
  },
  async create(path, mode) {
    const file = await open(path, 'wx', mode)
    return {
      async write(text) {
        await file.writeFile(text)
      },
      sync: () => file.sync(),
      close: () => file.close(),
    }
  },
  link,
  rename,
  unlink,
  async syncDirectory(path) {
    // Windows opens no folders; its journal keeps the order of names by itself.
    if (process.platform === 'win32') return
    const directory = await open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

/** The octets of a file, as {@link FileSystem.read}. */
export async function readOctets(path: string): Promise<{ readonly octets: Buffer; readonly mode: number }> {
  const file = await open(path, readOnly)
  try {
    const { mode } = await file.stat()
    return { octets: await readToEnd(file), mode }
  } finally {
    await file.close()
  }
}

async function readToEnd(file: FileHandle): Promise<Buffer> {
  // Never by the size that the file system states: a device file has none and no end either.
  const buffer = Buffer.alloc(limitBytes + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
  }
  throw Object.assign(new Error('file too large'), { code: 'EFBIG' })
}
