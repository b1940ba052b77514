/** Brokers load a file for each; more do not make them smaller in any way that matters. */
const mostShards = 1024

/**
 * How many CRLs new certificates are spread over.
 * @throws RangeError
 */
export function crlShards(shards = 1): number {
  if (!Number.isSafeInteger(shards) || shards < 1 || shards > mostShards) {
    throw new RangeError(`crl.shards: expected a whole number from 1 to ${mostShards}`)
  }
  return shards
}

/** The shard for a new serial number: its octets are random. Recorded with the certificate and never derived again, for the number of shards may change. */
export function shardOf(serialNumber: Uint8Array, shards: number): number {
  // Not the first octet, which is not evenly spread.
  const [a = 0, b = 0, c = 0, d = 0] = serialNumber.subarray(-4)
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % shards
}
