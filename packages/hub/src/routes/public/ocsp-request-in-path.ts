const none = new Uint8Array()

// Four times what the base64 of the longest request takes, for encoding done twice.
const longestPath = 128 * 1024

/**
 * The request in the path of a GET: "{url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest}" (RFC 6960 appendix A.1), and what clients and proxies make of that.
 *
 * Taken as meant: `/ + =` that were not encoded, `+` that came as a space, encoding done twice, line ends, the alphabet for URLs (RFC 4648 section 5), missing padding, slashes before the text of a client that
 * puts one between an address ending in one and the text, and slashes behind it. Two slashes inside the text are two characters of base64, so a proxy in front must not merge them.
 *
 * Linear time. What is no base64 is an empty request, for the responder to refuse.
 */
export function ocspRequestInPath(path: string): Uint8Array {
  if (path.length > longestPath) return none
  let text = path
  // Twice, for proxies that encode what is encoded already.
  for (let pass = 0; pass < 2 && text.includes('%'); pass += 1) {
    try {
      text = decodeURIComponent(text)
    } catch {
      return none
    }
  }
  text = text.replaceAll(/[\r\n]/g, '').replaceAll(' ', '+')
  let start = 0
  while (text[start] === '/') start += 1
  let end = text.length
  // A slash can be the last character of the base64. The request itself says how long it is.
  const characters = base64Length(text.slice(start, start + 8))
  while (end > start + characters && (text[end - 1] === '/' || text[end - 1] === '=')) end -= 1
  text = text.slice(start, end)
  // Buffer.from skips what is not base64.
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : none
}

/** How many characters, without padding, the base64 of a DER SEQUENCE has that begins like this; 0 if it is none. */
function base64Length(beginning: string): number {
  const [tag, length, high, low] = Buffer.from(beginning, 'base64')
  if (tag !== 0x30 || length === undefined) return 0
  let octets: number
  if (length < 0x80) octets = 2 + length
  else if (length === 0x81 && high !== undefined) octets = 3 + high
  else if (length === 0x82 && high !== undefined && low !== undefined) octets = 4 + high * 256 + low
  else return 0
  return Math.ceil((octets * 4) / 3)
}
