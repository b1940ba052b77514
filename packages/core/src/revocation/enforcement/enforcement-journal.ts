import type { Events, Lease, Store, Versioned } from '../../store/store.ts'
import { decodeEnforcementState, type EnforcementState, encodeEnforcementState } from './enforcement-state.ts'

const leaseSeconds = 15
const renewMilliseconds = 5000

/** Keeps, for all processes, how far an enforcer has come. One process at a time writes it, under a lease: so every receipt is written once. */
export interface EnforcementJournal {
  /** Whether this process is the one; asks the store every 5 s. `taken`: it is now, and was not before. */
  hold(): Promise<'taken' | 'held' | 'elsewhere'>
  /** What is kept; `undefined` where there is nothing, or nothing that can be read. */
  load(): Promise<EnforcementState | undefined>
  /**
   * Keeps the state and appends the receipts in one step. `false`: another process holds it by now. A write whose answer was lost must be given again, with the very same arguments, before any other: then its receipts
   * are not written twice.
   */
  save(state: EnforcementState, receipts: Events): Promise<boolean>
  /** Lets another process go on at once. */
  release(): Promise<void>
}

export function createEnforcementJournal(store: Store, enforcer: string, holder: string): EnforcementJournal {
  const name = `enforcement:${enforcer}`
  let lease: Lease | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let version = 0
  return {
    async hold() {
      const now = performance.now()
      if (now - askedAt < renewMilliseconds) return lease === undefined ? 'elsewhere' : 'held'
      const next = await store.lease(name, holder, leaseSeconds)
      askedAt = now
      // A fence that moved: somebody else was here in between, and what this process remembers is old.
      const isNew = next !== undefined && next.fence !== lease?.fence
      lease = next
      if (next === undefined) return 'elsewhere'
      return isNew ? 'taken' : 'held'
    },
    async load() {
      const document: Versioned | undefined = await store.document(name)
      version = document?.version ?? 0
      return document && decodeEnforcementState(document.value)
    },
    async save(state, receipts) {
      if (lease === undefined) return false
      const saved = await store.putDocument(name, encodeEnforcementState(state), version, receipts, { lease })
      if (saved) version += 1
      else {
        lease = undefined
        askedAt = Number.NEGATIVE_INFINITY
      }
      return saved
    },
    async release() {
      if (lease !== undefined) await store.releaseLease(lease)
      lease = undefined
    },
  }
}
