import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { checkNames, PkiError } from '@fleetcert/x509'
import { combine, split } from 'shamir-secret-sharing'
import { formatShare, parseShare, type Share } from './share-text.ts'

/** Options of {@link splitPassphrase}. */
export interface SplitOptions {
  /** How many shares are made, 2 to 255. */
  readonly shares: number
  /** How many of them are needed, 2 to `shares`. Fewer tell nothing about the passphrase but how long it is, to within 16 octets. */
  readonly threshold: number
}

const longestPassphrase = 1024
const lengthOctets = 2
const checkOctets = 8
/** Passphrases are filled up to a multiple of it: a share is as long as what was split. */
const paddingOctets = 16

/**
 * Splits a passphrase by Shamir's scheme into shares to print or to write down: letters and digits in groups of five, each with its number, its set and a checksum. Any `threshold` of them give it back: {@link combineShares}.
 *
 * The passphrase is the caller's, UTF-8, 1 to 1,024 octets: {@link createPassphrase} makes one that nobody has to remember. Splitting it again makes another set; shares of two sets do not go together.
 *
 * @example
 * ```ts
 * const shares = await splitPassphrase(createPassphrase(), { shares: 5, threshold: 3 })
 * ```
 * @throws TypeError, RangeError for what cannot be split.
 */
export async function splitPassphrase(passphrase: string, options: SplitOptions): Promise<readonly string[]> {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected { shares, threshold }')
  checkNames('splitPassphrase', options, { shares: true, threshold: true })
  const { shares, threshold } = options
  if (!Number.isSafeInteger(shares) || shares < 2 || shares > 255) throw new RangeError('shares: expected 2 to 255')
  if (!Number.isSafeInteger(threshold) || threshold < 2 || threshold > shares) {
    throw new RangeError('threshold: expected 2 to shares')
  }
  const secret = encodeSecret(passphrase)
  const set = randomBytes(4).toString('hex')
  const parts = await split(secret, shares, threshold)
  secret.fill(0)
  return parts.map((octets, index) => formatShare({ set, number: index + 1, shares, threshold, octets }))
}

/**
 * The passphrase that shares of {@link splitPassphrase} were made of: as many as its threshold, or more, in any order. Read as typed: any case, with or without the dashes.
 * @throws PkiError `ERR_PKI_SHARE`: `details.share` is the place in `shares`, from 1, of the one that is mistyped, of another set, or there twice; none where there are too few, or where together they make no passphrase.
 */
export async function combineShares(shares: readonly string[]): Promise<string> {
  if (!Array.isArray(shares) || !shares.every(share => typeof share === 'string')) {
    throw new TypeError('shares: expected an array of strings')
  }
  const parsed = shares.map((text, index): Share => {
    const share = parseShare(text)
    if (typeof share === 'string') throw wrong(index, share)
    return share
  })
  const set = commonSet(parsed)
  const seen = new Map<number, number>()
  for (const [index, share] of parsed.entries()) {
    if (share.set !== set) throw wrong(index, 'it belongs to another set')
    const earlier = seen.get(share.number)
    if (earlier !== undefined) throw wrong(index, `it is the same as share ${earlier + 1} of these`)
    seen.set(share.number, index)
  }
  const [first] = parsed
  if (first === undefined || parsed.length < first.threshold) {
    const needed = first === undefined ? '' : `, ${first.threshold} are needed`
    throw new PkiError('ERR_PKI_SHARE', { reason: `there are ${parsed.length}${needed}` })
  }
  // Shares of one set that contradict each other were not all made by one split.
  const isOdd = ({ octets, threshold, shares: count }: Share): boolean =>
    octets.length !== first.octets.length || threshold !== first.threshold || count !== first.shares
  if (parsed.some(isOdd)) throw notGenuine()
  const secret = await combine(parsed.map(({ octets }) => octets)).catch(() => {
    throw notGenuine()
  })
  return decodeSecret(secret)
}

/** The set of most of the shares, so that the odd one out is named, wherever it stands. */
function commonSet(shares: readonly Share[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { set } of shares) counts.set(set, (counts.get(set) ?? 0) + 1)
  return [...counts].sort(([, left], [, right]) => right - left)[0]?.[0]
}

/** Length, UTF-8, zeros, and a digest of it all: a share that was made up would otherwise make another passphrase. */
function encodeSecret(passphrase: string): Uint8Array {
  if (typeof passphrase !== 'string') throw new TypeError('passphrase: expected a string')
  const text = Buffer.from(passphrase)
  if (text.length === 0 || text.length > longestPassphrase) {
    throw new RangeError(`passphrase: expected 1 to ${longestPassphrase} octets`)
  }
  if (text.toString() !== passphrase) throw new TypeError('passphrase: expected well-formed Unicode')
  const padded = Buffer.alloc(Math.ceil((lengthOctets + text.length) / paddingOctets) * paddingOctets)
  padded.writeUInt16BE(text.length)
  text.copy(padded, lengthOctets)
  text.fill(0)
  return new Uint8Array(Buffer.concat([padded, digest(padded)]))
}

function decodeSecret(secret: Uint8Array): string {
  const octets = Buffer.from(secret.buffer, secret.byteOffset, secret.length)
  const padded = octets.subarray(0, -checkOctets)
  if (padded.length < lengthOctets || !timingSafeEqual(digest(padded), octets.subarray(-checkOctets)))
    throw notGenuine()
  return padded.toString('utf8', lengthOctets, lengthOctets + padded.readUInt16BE())
}

function digest(padded: Uint8Array): Buffer {
  return createHash('sha256').update('fleetcert share').update(padded).digest().subarray(0, checkOctets)
}

function wrong(index: number, reason: string): PkiError {
  return new PkiError('ERR_PKI_SHARE', { share: index + 1, reason: `share ${index + 1}: ${reason}` })
}

function notGenuine(): PkiError {
  return new PkiError('ERR_PKI_SHARE', { reason: 'one of them is not genuine, though its checksum is right' })
}
