/** Parts of a Map: when one grows or is swept, V8 copies all of it, and a pause for a million entries would be heard of. */
const shardCount = 64

/** A Map in parts. */
export interface ShardedMap<Value> {
  readonly size: number
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
  clear(): void
  /** Goes round and round over the values, oldest first, a step in one part after the other; `undefined` at the end of a part. */
  nextInTurn(): Value | undefined
}

/** @param shardOf any number that spreads the keys, such as a code of a character. */
export function createShardedMap<Value>(shardOf: (key: string) => number): ShardedMap<Value> {
  const shards = Array.from({ length: shardCount }, () => new Map<string, Value>())
  const shardFor = (key: string): Map<string, Value> => shards[shardOf(key) % shardCount]!
  // An iterator each: it heeds what is put in and taken out meanwhile, and a new one would pass over all that was taken out at the front. One that stands still keeps former tables of its Map alive: made when needed.
  const turns: (MapIterator<Value> | undefined)[] = []
  let size = 0
  let hand = 0
  return {
    get size() {
      return size
    },
    get: key => shardFor(key).get(key),
    set(key, value) {
      const shard = shardFor(key)
      const before = shard.size
      shard.set(key, value)
      size += shard.size - before
    },
    delete(key) {
      if (shardFor(key).delete(key)) size -= 1
    },
    clear() {
      for (const shard of shards) shard.clear()
      turns.length = 0
      size = 0
    },
    nextInTurn() {
      const index = hand
      hand = (hand + 1) % shardCount
      const turn = turns[index] ?? shards[index]!.values()
      const { value, done } = turn.next()
      turns[index] = done === true ? undefined : turn
      return value
    },
  }
}
