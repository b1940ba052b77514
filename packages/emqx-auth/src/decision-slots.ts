/** A decision that is under way. */
export interface DecisionSlot {
  readonly begun: number
}

/** Places for decisions that are under way. */
export interface DecisionSlots {
  readonly taken: number
  /** `undefined`: all are taken. */
  take(): DecisionSlot | undefined
  release(slot: DecisionSlot): void
}

/** A store that never answers must not keep a place for good. Nobody waits so long for a decision. */
const lostMilliseconds = 60_000

export function createDecisionSlots(most: number): DecisionSlots {
  // In the order in which they were taken.
  const slots = new Set<DecisionSlot>()
  return {
    get taken() {
      return slots.size
    },
    take() {
      const begun = performance.now()
      if (slots.size >= most) {
        for (const oldest of slots) {
          if (begun - oldest.begun < lostMilliseconds) return undefined
          slots.delete(oldest)
          break
        }
      }
      const slot = { begun }
      slots.add(slot)
      return slot
    },
    release: slot => void slots.delete(slot),
  }
}
