/**
 * A set of serial numbers, 32 bits each: a million take 8 MiB, where their texts would take a hundred. It may take one for a member that is none, once in a thousand million times:
 * enough for a check of our own work, nothing to decide anybody's status by.
 */
export interface SerialSet {
  add(octets: Uint8Array, start: number, end: number): void
  has(octets: Uint8Array, start: number, end: number): boolean
}

/** @param capacity how many will be added at most. */
export function createSerialSet(capacity: number): SerialSet {
  const mask = 2 ** Math.ceil(Math.log2(Math.max(capacity, 8) * 2)) - 1
  const slots = new Uint32Array(mask + 1)
  /** The slot of a number, or the empty one where it would be. */
  const find = (octets: Uint8Array, start: number, end: number): readonly [slot: number, value: number] => {
    // Two independent sums: one says where, the other what.
    let place = 0x811c9dc5
    let value = 0x9e3779b9
    for (let index = start; index < end; index++) {
      const octet = octets[index]!
      place = Math.imul(place ^ octet, 0x01000193)
      value = Math.imul(value ^ octet, 0x85ebca6b) ^ (value >>> 13)
    }
    // 0 is an empty slot.
    value = value >>> 0 || 1
    let slot = (place ^ (place >>> 15)) & mask
    while (slots[slot] !== 0 && slots[slot] !== value) slot = (slot + 1) & mask
    return [slot, value]
  }
  return {
    add(octets, start, end) {
      const [slot, value] = find(octets, start, end)
      slots[slot] = value
    },
    has(octets, start, end) {
      const [slot] = find(octets, start, end)
      return slots[slot] !== 0
    },
  }
}
