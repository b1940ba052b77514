/** Gives the event loop a turn when enough octets have been worked through since the last one; rejects when the work is to end. */
export type Pause = (octets: number) => Promise<void>

// Listing, encoding and comparing that much takes a millisecond or two.
const octetsPerTurn = 256 * 1024

/** @param between what is to be done in between. */
export function createPause(between: () => Promise<void> | void): Pause {
  let octets = 0
  return async worked => {
    octets += worked
    if (octets < octetsPerTurn) return
    octets = 0
    await new Promise(resolve => setImmediate(resolve))
    await between()
  }
}
