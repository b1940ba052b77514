import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { PkiError } from '@fleetcert/x509'
import type { ByteReader } from './byte-reader.ts'

// age's payload (its specification, "Payload"): HKDF of the file key and a nonce of 16 octets gives the key; chunks of 64 KiB are encrypted one by one, each with its number and whether it is the last as the nonce.
// Here with node:crypto: the library's own JavaScript reaches a tenth of its rate, which is less than half a disk's, and takes no other implementation.
const nonceOctets = 16
const chunkOctets = 64 * 1024
const tagOctets = 16
const cipherName = 'chacha20-poly1305'

/** The payload of an age file: its nonce, then `plain` encrypted, chunk by chunk. */
export async function* encryptPayload(
  fileKey: Uint8Array,
  plain: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const nonce = randomBytes(nonceOctets)
  yield nonce
  const key = payloadKey(fileKey, nonce)
  const chunk = Buffer.allocUnsafe(chunkOctets)
  let used = 0
  let count = 0
  const seal = (isLast: boolean): readonly Uint8Array[] => {
    const cipher = createCipheriv(cipherName, key, chunkNonce(count, isLast), { authTagLength: tagOctets })
    count += 1
    const encrypted = cipher.update(chunk.subarray(0, used))
    cipher.final()
    used = 0
    return [encrypted, cipher.getAuthTag()]
  }
  for await (const piece of plain) {
    let from = 0
    while (from < piece.length) {
      // Not before there is more: the last chunk may be a full one, and is never empty but in an empty file.
      if (used === chunkOctets) yield* seal(false)
      const part = piece.subarray(from, from + chunkOctets - used)
      chunk.set(part, used)
      used += part.length
      from += part.length
    }
  }
  yield* seal(true)
  key.fill(0)
  chunk.fill(0)
}

/**
 * What was encrypted, each piece as soon as it has proved genuine; the source ends where the file does.
 * @throws PkiError `ERR_PKI_BACKUP` for anything that is not the whole of what was encrypted: changed, cut short at any octet, or longer.
 */
export async function* decryptPayload(fileKey: Uint8Array, reader: ByteReader): AsyncGenerator<Buffer, void, void> {
  const nonce = await reader.take(nonceOctets)
  if (nonce.length < nonceOctets) throw damaged()
  const key = payloadKey(fileKey, nonce)
  let chunk = await reader.take(chunkOctets + tagOctets)
  for (let count = 0; ; count += 1) {
    const next = await reader.take(chunkOctets + tagOctets)
    const isLast = next.length === 0
    const plainOctets = chunk.length - tagOctets
    if (plainOctets < 0 || (plainOctets === 0 && count > 0)) throw damaged()
    const decipher = createDecipheriv(cipherName, key, chunkNonce(count, isLast), { authTagLength: tagOctets })
    decipher.setAuthTag(chunk.subarray(plainOctets))
    const plain = decipher.update(chunk.subarray(0, plainOctets))
    try {
      decipher.final()
    } catch {
      throw damaged()
    }
    yield plain
    if (isLast) {
      key.fill(0)
      return
    }
    chunk = next
  }
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32))
}

/** "An 11-byte big-endian counter […] followed by one byte": 1 on the last chunk. */
function chunkNonce(count: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(count, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

function damaged(): PkiError {
  return new PkiError('ERR_PKI_BACKUP', { reason: 'it was changed or cut short' })
}
