/** Lets so many pieces of work run in each turn of the event loop, the rest in the turns after it, first come, first served. */
export interface Turns {
  /** When the next piece may run: `undefined` for at once. */
  next(): Promise<void> | undefined
}

export function createTurns(mostInTurn: number): Turns {
  let inTurn = 0
  let isScheduled = false
  let waiting: (() => void)[] = []

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      const released = waiting.slice(0, mostInTurn)
      waiting = waiting.slice(mostInTurn)
      inTurn = released.length
      if (waiting.length > 0 || inTurn > 0) schedule()
      for (const release of released) release()
    })
  }

  return {
    next() {
      // Counted anew in each turn.
      schedule()
      if (inTurn < mostInTurn) {
        inTurn += 1
        return undefined
      }
      return new Promise(resolve => waiting.push(resolve))
    },
  }
}
