// Less is not worth it.
const leastOctets = 64 * 1024

/**
 * Gives the memory of arrays back that nobody else holds: the garbage collector would let tens of megabytes lie until it next comes by.
 * An array that is a view of more than itself stays: the rest is somebody else's, such as Node's pool for small buffers, or what else a driver has read.
 */
export function releaseOctets(parts: readonly Uint8Array[]): void {
  for (const { buffer, byteLength } of parts) {
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    if (isWhole && byteLength >= leastOctets) buffer.transfer(0)
  }
}
