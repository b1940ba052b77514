import { derTag } from './der/tag.ts'
import { concat, elementHeader, sequence } from './der/tlv.ts'
import { integer } from './der/writer.ts'
import { invalidityDateExtension, reasonCodeExtension } from './extensions/crl-extensions.ts'
import { fromHex } from './fingerprint.ts'
import { encodeTime } from './time.ts'
import type { CrlReason } from './types.ts'

/** What an entry of a CRL says. */
export interface RevokedEntryFields {
  /** Hex, an unsigned magnitude. */
  readonly serialNumber: string
  readonly revocation: {
    /** Milliseconds are cut off. */
    readonly revocationDate: Date
    readonly reason: CrlReason
    readonly invalidityDate?: Date
  }
}

// Lower-case hexadecimal of as many octets as our own serial numbers have, or fewer, whose first octet is neither 00 nor has a sign bit: these need no second look.
const plainSerial = /^(?:0[1-9a-f]|[1-7][0-9a-f])(?:[0-9a-f]{2}){0,19}$/
const plainOctets = 160

/** One entry of revokedCertificates (RFC 5280 section 5.1.2.6), DER. The reason `unspecified` is left out: "SHOULD be absent instead" (section 5.3.1). */
export function encodeRevokedEntry({ serialNumber, revocation }: RevokedEntryFields): Uint8Array {
  return sequence(integer(fromHex(serialNumber)), afterSerial(revocation))
}

/** The entries one after the other, as they stand in a CRL, in one array: {@link encodeRevokedEntry} for hundreds of thousands, without an object for each. */
export function encodeRevokedEntries(entries: Iterable<RevokedEntryFields>): Uint8Array {
  let buffer = Buffer.allocUnsafe(64 * 1024)
  let offset = 0
  // Many certificates are revoked together, and then say the same.
  let last: RevokedEntryFields['revocation'] | undefined
  let rest: Uint8Array = new Uint8Array()
  for (const { serialNumber, revocation } of entries) {
    if (last === undefined || !isSame(last, revocation)) {
      rest = afterSerial(revocation)
      last = revocation
    }
    if (buffer.length - offset < plainOctets) buffer = grow(buffer, offset)
    if (plainSerial.test(serialNumber)) {
      const length = serialNumber.length / 2
      // Every length is below 128: at most 20 octets of a number, and 57 behind it.
      buffer[offset] = derTag.sequence
      buffer[offset + 1] = 2 + length + rest.length
      buffer[offset + 2] = derTag.integer
      buffer[offset + 3] = length
      buffer.write(serialNumber, offset + 4, 'hex')
      buffer.set(rest, offset + 4 + length)
      offset += 4 + length + rest.length
    } else {
      const number = integer(fromHex(serialNumber))
      const entry = concat([elementHeader(derTag.sequence, number.length + rest.length), number, rest])
      while (buffer.length - offset < entry.length) buffer = grow(buffer, offset)
      buffer.set(entry, offset)
      offset += entry.length
    }
  }
  return new Uint8Array(buffer.subarray(0, offset))
}

/** revocationDate and crlEntryExtensions. */
function afterSerial({ revocationDate, reason, invalidityDate }: RevokedEntryFields['revocation']): Uint8Array {
  const date = encodeTime(revocationDate)
  if (reason === 'unspecified' && invalidityDate === undefined) return date
  const extensions: Uint8Array[] = []
  if (reason !== 'unspecified') extensions.push(reasonCodeExtension(reason))
  if (invalidityDate !== undefined) extensions.push(invalidityDateExtension(invalidityDate))
  return concat([date, sequence(...extensions)])
}

function isSame(one: RevokedEntryFields['revocation'], other: RevokedEntryFields['revocation']): boolean {
  return (
    one.reason === other.reason &&
    one.revocationDate.getTime() === other.revocationDate.getTime() &&
    one.invalidityDate?.getTime() === other.invalidityDate?.getTime()
  )
}

function grow(buffer: Buffer<ArrayBuffer>, used: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(2 * buffer.length)
  larger.set(buffer.subarray(0, used))
  return larger
}
