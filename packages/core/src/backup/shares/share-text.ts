import { createHash } from 'node:crypto'

/** What stands on one printed share. */
export interface Share {
  /** The same on all shares of one split, and on no other's. */
  readonly set: string
  /** From 1. */
  readonly number: number
  readonly shares: number
  readonly threshold: number
  /** Shamir's: the octets and, last, where they were evaluated. */
  readonly octets: Uint8Array
}

// Crockford's base32: no I, L, O, U, so that what is read aloud or typed from paper comes out right.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const values: ReadonlyMap<string, number> = new Map([...alphabet].map((digit, value) => [digit, value]))
const prefix = 'FCS1'
const groupDigits = 5
const headOctets = 4 + 3
const checkOctets = 4
/** A share of the longest passphrase, twice over. */
const longestText = 4096

/** `FCS1-XXXXX-XXXXX-…`: letters and digits in groups of five, a checksum among them. */
export function formatShare({ set, number, shares, threshold, octets }: Share): string {
  const body = Buffer.concat([Buffer.from(set, 'hex'), Buffer.from([number, shares, threshold]), octets])
  const digits = toBase32(Buffer.concat([body, checksum(body)]))
  const groups = digits.match(/.{1,5}/g) ?? []
  return [prefix, ...groups].join('-')
}

/** Reads what {@link formatShare} wrote: any case, blanks and line breaks anywhere, O for 0, I and L for 1. What is wrong with it as a string. */
export function parseShare(text: string): Share | string {
  if (text.length > longestText) return 'it is longer than a share'
  const digits = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')
  // The prefix goes the same way: FCS1 has none of the letters that change.
  if (!digits.startsWith(prefix)) return `it does not begin with ${prefix}`
  const octets = fromBase32(digits.slice(prefix.length))
  if (octets === undefined) return 'it holds a character that no share has, or is cut short'
  const body = octets.subarray(0, -checkOctets)
  if (body.length < headOctets + 2) return 'it is cut short'
  if (!checksum(body).equals(octets.subarray(-checkOctets)))
    return 'its checksum is wrong: a character is mistyped or missing'
  const [number, shares, threshold] = body.subarray(4) as unknown as [number, number, number]
  if (number < 1 || number > shares || threshold < 2 || threshold > shares) return 'it contradicts itself'
  return {
    set: body.toString('hex', 0, 4),
    number,
    shares,
    threshold,
    octets: new Uint8Array(body.subarray(headOctets)),
  }
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update(prefix).update(body).digest().subarray(0, checkOctets)
}

function toBase32(octets: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const octet of octets) {
    held = ((held << 8) | octet) & 0xfff
    bits += 8
    while (bits >= groupDigits) {
      bits -= groupDigits
      text += alphabet[(held >> bits) & 31]
    }
  }
  return bits === 0 ? text : text + alphabet[(held << (groupDigits - bits)) & 31]
}

function fromBase32(text: string): Buffer | undefined {
  const octets: number[] = []
  let bits = 0
  let held = 0
  for (const digit of text) {
    const value = values.get(digit)
    if (value === undefined) return undefined
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      octets.push((held >> bits) & 255)
    }
  }
  // What is left over belongs to no octet: fewer than five bits, all zero.
  return bits < 5 && (held & ((1 << bits) - 1)) === 0 ? Buffer.from(octets) : undefined
}
