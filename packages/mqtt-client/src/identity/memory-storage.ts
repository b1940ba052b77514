import type { IdentityState, IdentityStorage } from './identity-state.ts'

/** An identity's state in memory: gone with the process. */
export function createMemoryStorage(initial: IdentityState = {}): IdentityStorage {
  let revision = 0
  let state = structuredClone(initial)
  return {
    async load() {
      return { revision, state }
    },
    async save(next, expected) {
      if (expected !== revision) return false
      state = structuredClone(next)
      revision += 1
      return true
    },
  }
}
