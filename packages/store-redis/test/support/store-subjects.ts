import type { Store } from '@fleetcert/core'
import type { StoreSubject } from '@fleetcert/core/testing'
import { redisStore } from '@fleetcert/store-redis'
import type { TestClient } from './clients.ts'

let count = 0

/** Stores for the conformance suite, each with a prefix and connections of its own. */
export function storeSubjects(connect: () => Promise<TestClient>): () => Promise<StoreSubject> {
  return async () => {
    count += 1
    const prefix = `conformance-${process.pid}-${count}`
    const opened: (readonly [Store, TestClient])[] = []
    const open = async (): Promise<Store> => {
      const own = await connect()
      const store = redisStore({ client: own.client, prefix, durability: 'everysec' })
      opened.push([store, own])
      return store
    }
    const store = await open()
    return {
      store,
      second: open,
      async reopen() {
        await store.close()
        return open()
      },
      async dispose() {
        for (const [each, own] of opened) {
          await each.close()
          await own.close()
        }
      },
    }
  }
}
