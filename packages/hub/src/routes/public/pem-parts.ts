import { setImmediate } from 'node:timers/promises'

// 48 octets are a line of 64 characters (RFC 7468 section 2), so parts end where lines end.
const lineOctets = 48
const partOctets = lineOctets * 4096

/** The PEM of one block in parts, made with room for the event loop between them: a CRL of 49 MB is 67 MB of text. */
export async function pemParts(label: string, der: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [Buffer.from(`-----BEGIN ${label}-----\n`)]
  let rest: Uint8Array = new Uint8Array()
  for (const slice of der) {
    const bytes = rest.length === 0 ? slice : Buffer.concat([rest, slice])
    let offset = 0
    for (; bytes.length - offset >= partOctets; offset += partOctets) {
      parts.push(lines(bytes.subarray(offset, offset + partOctets)))
      await setImmediate()
    }
    rest = bytes.subarray(offset)
  }
  parts.push(lines(rest), Buffer.from(`-----END ${label}-----\n`))
  return parts
}

const lineCharacters = 64
const lineFeed = 10

function lines(bytes: Uint8Array): Uint8Array {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  const count = Math.ceil(base64.length / lineCharacters)
  const text = Buffer.allocUnsafe(base64.length + count)
  // Written behind the room for the line ends, then moved forward line by line: several times as fast as a regular expression.
  text.write(base64, count, 'latin1')
  let to = 0
  for (let from = count; from < text.length; from += lineCharacters) {
    const end = Math.min(from + lineCharacters, text.length)
    text.copyWithin(to, from, end)
    to += end - from
    text[to] = lineFeed
    to += 1
  }
  return text
}
