const table: Uint32Array = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet
  // Castagnoli's polynomial, reflected.
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** CRC-32C (RFC 3720 appendix B.4), as Google's services check what they are sent and send. */
export function crc32c(octets: Uint8Array): number {
  let value = 0xffffffff
  for (const octet of octets) value = (value >>> 8) ^ table[(value ^ octet) & 0xff]!
  return (value ^ 0xffffffff) >>> 0
}
