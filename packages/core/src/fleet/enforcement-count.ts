import type { Enforcement, EnforcementCount } from './fleet.ts'

/** How many device ids are kept of those that were not silenced. */
const keptDevices = 1000

export interface EnforcementCounter {
  add(deviceId: string, enforcement: Promise<Enforcement>): void
  /** When all that were added have settled. */
  settled(): Promise<EnforcementCount>
}

/** Counts how devices were silenced: of a million devices nobody wants the list. */
export function countEnforcements(): EnforcementCounter {
  let [open, confirmed, pending, failed] = [0, 0, 0, 0]
  const unconfirmed: string[] = []
  let done: (() => void) | undefined
  return {
    add(deviceId, enforcement) {
      open += 1
      void enforcement.then(result => {
        if (result.failed.length > 0) failed += 1
        else if (result.pending.length > 0) pending += 1
        else if (result.confirmed.length > 0) confirmed += 1
        if (result.failed.length + result.pending.length > 0 && unconfirmed.length < keptDevices) {
          unconfirmed.push(deviceId)
        }
        open -= 1
        if (open === 0) done?.()
      })
    },
    async settled() {
      if (open > 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        done = resolve
        await promise
      }
      return { confirmed, pending, failed, unconfirmed }
    },
  }
}
