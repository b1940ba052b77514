import { type FileHandle, open } from 'node:fs/promises'
import { PkiError } from '@fleetcert/x509'

const limitBytes = 1024 * 1024

/**
 * The text of a file of at most 1 MiB.
 *
 * @throws PkiError `ERR_PKI_IDENTITY` (with the file system's error as cause), `ERR_PKI_TOO_LARGE`
 */
export async function readTextFile(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    // Never by the size that the file system states: a device file has none and no end either.
    const buffer = Buffer.alloc(limitBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) return buffer.toString('utf8', 0, length)
      length += bytesRead
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    throw new PkiError('ERR_PKI_IDENTITY', { reason: `cannot read ${path}: ${code}` }, { cause })
  } finally {
    await file?.close()
  }
  throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes })
}
