import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

/** A file in memory with its validators; shared by all who read it. */
export interface PublicFile {
  readonly parts: readonly Uint8Array[]
  readonly contentType: string
  /** Strong, with its quotes: SHA-256 of the bytes. */
  readonly etag: string
  /** As the header says it. */
  readonly lastModified: string
  /** Whether no other version of the file was ever out under this Last-Modified, which counts in seconds. */
  readonly isLastModifiedUnique: boolean
}

/** Hashes the bytes, with room for the event loop between the parts: keep the result. */
export async function publicFile(
  parts: readonly Uint8Array[],
  contentType: string,
  lastModified: Date,
  isLastModifiedUnique: boolean,
): Promise<PublicFile> {
  const hash = createHash('sha256')
  for (const [index, part] of parts.entries()) {
    if (index > 0) await setImmediate()
    hash.update(part)
  }
  const etag = `"${hash.digest('hex')}"`
  return { parts, contentType, etag, lastModified: lastModified.toUTCString(), isLastModifiedUnique }
}
