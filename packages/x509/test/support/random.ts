/** Deterministic random numbers (mulberry32): a fuzz run can be repeated by its seed. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** One damaged copy: an octet changed, a bit flipped, a piece cut out, doubled or put in, the end cut off or made longer. */
export function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = random(bytes.length)
  const length = 1 + random(8)
  switch (random(7)) {
    case 0:
      copy[at] = random(256)
      return copy
    case 1:
      copy[at]! ^= 1 << random(8)
      return copy
    case 2:
      return copy.subarray(0, at)
    case 3:
      return Uint8Array.from([...bytes, ...Array.from({ length }, () => random(256))])
    case 4:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)])
    case 5:
      return Uint8Array.from([...bytes.subarray(0, at + length), ...bytes.subarray(at)])
    default:
      return Uint8Array.from([
        ...bytes.subarray(0, at),
        ...Array.from({ length }, () => random(256)),
        ...bytes.subarray(at),
      ])
  }
}
