/**
 * Text as octets and back, whatever is in it: what UTF-8 does not hold (half of a pair) stands as JSON escapes it.
 *
 * Only for what is read back and compared as a whole; what is sorted, or looked up by others, is plain UTF-8.
 */
export function encodeText(text: string): Buffer {
  return Buffer.from(JSON.stringify(text).slice(1, -1))
}

/** The text of {@link encodeText}. */
export function decodeText(octets: Buffer): string {
  return JSON.parse(`"${octets.toString()}"`)
}
