import { createHash } from 'node:crypto'
import { concat } from './der/tlv.ts'
import { hashSlices } from './hash-slices.ts'
import { hashOf } from './signature.ts'
import type { IoOptions, SignatureAlgorithm } from './types.ts'

/** What is given to a key that sits elsewhere: the digest where the algorithm hashes first, else the message as it is. */
export type MessageDigest =
  | { readonly hash: 'sha256' | 'sha384' | 'sha512'; readonly digest: Uint8Array; readonly message?: undefined }
  | { readonly hash: null; readonly digest?: undefined; readonly message: Uint8Array }

/**
 * What tokens and key services sign for `algorithm`. Long messages are hashed in slices of 1 MiB between which the event loop runs. A message that is not hashed is a copy.
 *
 * Rejects with the signal's reason alone.
 */
export async function messageDigest(
  algorithm: SignatureAlgorithm,
  message: Uint8Array | Iterable<Uint8Array>,
  options: IoOptions = {},
): Promise<MessageDigest> {
  options.signal?.throwIfAborted()
  const parts = message instanceof Uint8Array ? [message] : message
  const hash = hashOf(algorithm)
  if (hash === null) return { hash, message: concat([...parts]) }
  const hashing = createHash(hash)
  await hashSlices(hashing, parts, options)
  return { hash, digest: new Uint8Array(hashing.digest()) }
}
