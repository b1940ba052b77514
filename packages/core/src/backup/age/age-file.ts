import { createByteReader } from './byte-reader.ts'
import { type OpenWith, openFileKey, type SealFor, sealFileKey } from './file-key.ts'
import { decryptPayload, encryptPayload } from './payload.ts'

/** An age v1 file (binary, not armored) with `plain` in it: `age -d` opens it. Flat memory; each piece is made when it is asked for. */
export async function* encryptAge(
  plain: AsyncIterable<Uint8Array>,
  sealFor: SealFor,
): AsyncGenerator<Uint8Array, void, void> {
  const { header, fileKey } = await sealFileKey(sealFor)
  yield header
  yield* encryptPayload(fileKey, plain)
  fileKey.fill(0)
}

/**
 * What an age file holds. Each piece is genuine; that nothing is missing behind it is known only when the last one has come.
 * @throws PkiError `ERR_PKI_BACKUP`, `ERR_PKI_BACKUP_SECRET`
 */
export async function* decryptAge(
  file: AsyncIterable<Uint8Array>,
  openWith: OpenWith,
): AsyncGenerator<Buffer, void, void> {
  const reader = createByteReader(file)
  try {
    const fileKey = await openFileKey(reader, openWith)
    yield* decryptPayload(fileKey, reader)
    fileKey.fill(0)
  } finally {
    await reader.close()
  }
}
