import { randomFillSync } from 'node:crypto'

const serialOctets = 16
// The generator is asked for many at a time: a call costs ten times what its octets do. Each octet is given out once and wiped.
const pool = Buffer.alloc(serialOctets * 256)
let used = pool.length

/**
 * 16 random octets with the first in 0x01–0x7f: a positive INTEGER of exactly 16 octets, well within the 20 that RFC 5280 section 4.1.2.2 allows, with more than 120 bits from the CSPRNG.
 * That it is unique is the store's promise, not chance's.
 */
export function randomSerialNumber(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const octets = new Uint8Array(pool.subarray(used, used + serialOctets))
  pool.fill(0, used, used + serialOctets)
  used += serialOctets
  // Fold rather than draw again: 0x00 and 0x80 both become 1, which costs far less than a bit of entropy.
  octets[0] = octets[0]! & 0x7f || 0x01
  return octets
}
