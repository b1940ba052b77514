/** One signature to be verified, with all that node:crypto needs for it. */
export interface VerificationJob {
  /** `null` where the algorithm hashes by itself (Ed25519). */
  readonly hash: VerificationHash
  /** SubjectPublicKeyInfo, or the number of a key that the thread was told before. */
  readonly key: Uint8Array | number
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

export type VerificationHash = 'sha256' | 'sha384' | 'sha512' | null

/** To the thread: a key to keep under the next number (0, 1, …), or packed jobs. */
export type VerificationRequest = { readonly keep: Uint8Array } | Uint8Array<ArrayBuffer>

/** From the thread: that it listens, or one octet for each job of a batch, 1 where the signature is the key's. */
export type VerificationResponse = 'ready' | Uint8Array

// One message for many jobs: what a message costs is shared. A job: hash, kind of key, then key (or its number), message and signature, each behind its length in four octets.
const hashes: readonly VerificationHash[] = ['sha256', 'sha384', 'sha512', null]
const inlineKey = 0
const keptKey = 1
const lengthOctets = 4

/** The jobs one behind the other, in memory of its own that can be transferred. */
export function packJobs(jobs: readonly VerificationJob[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const { key, message, signature } of jobs) {
    length += 2 + 3 * lengthOctets + (typeof key === 'number' ? 0 : key.length) + message.length + signature.length
  }
  const octets = new Uint8Array(length)
  let offset = 0
  const writeNumber = (value: number): void => {
    octets[offset] = value >>> 24
    octets[offset + 1] = value >>> 16
    octets[offset + 2] = value >>> 8
    octets[offset + 3] = value
    offset += lengthOctets
  }
  const write = (part: Uint8Array): void => {
    writeNumber(part.length)
    octets.set(part, offset)
    offset += part.length
  }
  for (const { hash, key, message, signature } of jobs) {
    octets[offset] = hashes.indexOf(hash)
    octets[offset + 1] = typeof key === 'number' ? keptKey : inlineKey
    offset += 2
    if (typeof key === 'number') writeNumber(key)
    else write(key)
    write(message)
    write(signature)
  }
  return octets
}

/** The jobs of {@link packJobs}; octets are views. */
export function* unpackJobs(octets: Uint8Array): Generator<VerificationJob> {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  let offset = 0
  const readNumber = (): number => {
    offset += lengthOctets
    return view.getUint32(offset - lengthOctets)
  }
  const read = (): Uint8Array => {
    const length = readNumber()
    offset += length
    return octets.subarray(offset - length, offset)
  }
  while (offset < octets.length) {
    const hash = hashes[octets[offset]!]!
    const kind = octets[offset + 1]
    offset += 2
    const key = kind === keptKey ? readNumber() : read()
    const message = read()
    yield { hash, key, message, signature: read() }
  }
}
