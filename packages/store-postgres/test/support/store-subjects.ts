import type { Store } from '@fleetcert/core'
import type { StoreSubject } from '@fleetcert/core/testing'
import { postgresStore } from '@fleetcert/store-postgres'
import type { Pool } from 'pg'
import { forgetFleet } from './forget-fleet.ts'

let count = 0

/** Stores for the conformance suite, each with a schema that nobody else has at that time. */
export function storeSubjects(pool: () => Pool): () => Promise<StoreSubject> {
  const free: string[] = []
  return async () => {
    const known = free.pop()
    if (known === undefined) count += 1
    else await forgetFleet(pool(), known)
    const schema = known ?? `conformance_${count}`
    const opened: Store[] = []
    const open = (): Store => {
      const store = postgresStore({ pool: pool(), schema, durability: 'declared', timeoutSeconds: 60 })
      opened.push(store)
      return store
    }
    const store = open()
    return {
      store,
      second: async () => open(),
      async reopen() {
        await store.close()
        return open()
      },
      async dispose() {
        for (const each of opened) await each.close()
        free.push(schema)
      },
    }
  }
}
