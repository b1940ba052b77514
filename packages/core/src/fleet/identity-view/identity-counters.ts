/** What `identify` has come to since the fleet was opened. All but `entries` and `bytes` only rise. */
export interface IdentityCounters {
  /** Answered from memory. */
  readonly hits: number
  /** Answered by reading the store. */
  readonly misses: number
  /** Answered by what was read for another caller, who had asked for the same certificate a moment before. */
  readonly shared: number
  /** Of the misses and shared ones, those for certificates that the fleet does not have. */
  readonly unknown: number
  /** Answered while the store was away by what was last known (`lastKnownWhileStoreIsAway`). Not among the others. */
  readonly lastKnown: number
  /** Neither store nor memory could answer, or the clock was off. */
  readonly failed: number
  /** Certificates that are kept now. */
  readonly entries: number
  /** What they take, octets, by an estimate. */
  readonly bytes: number
}
