import type { Store } from '@fleetcert/core'
import { redisStore } from '@fleetcert/store-redis'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { nodeRedis } from './clients.ts'

/** A store that is named by text, so that another process opens the same: the path of a file, or the address of a server. */
export async function namedStore(name: string): Promise<{ readonly store: Store; close(): Promise<void> }> {
  if (!name.startsWith('redis://')) {
    const store = sqliteStore({ file: name })
    return { store, close: () => store.close() }
  }
  const { client, close } = await nodeRedis(name)
  const store = redisStore({ client, durability: 'everysec' })
  return {
    store,
    async close() {
      await store.close()
      await close()
    },
  }
}
