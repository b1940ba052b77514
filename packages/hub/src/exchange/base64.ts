/** The octets of base64 (RFC 4648 section 4); `undefined` for anything but their canonical text. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const octets = Buffer.from(text, 'base64')
  // node:buffer skips what is not base64; only the canonical text of the octets comes back unchanged.
  return octets.toString('base64') === text ? new Uint8Array(octets) : undefined
}
