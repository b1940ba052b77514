/** Numbers from a seed: the same seed, the same numbers. */
export interface Random {
  /** A whole number from 0 up, below `bound`. */
  below(bound: number): number
  /** Whether something happens that does so once in `times`. */
  once(times: number): boolean
  pick<T>(items: readonly T[]): T
}

/** mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (bound: number): number => next() % bound
  return {
    below,
    once: times => below(times) === 0,
    pick: items => {
      if (items.length === 0) throw new RangeError('items: nothing to pick from')
      return items[below(items.length)]!
    },
  }
}
