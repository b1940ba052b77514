import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@fleetcert/core'
import { testStore } from '@fleetcert/core/testing'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { describe, it } from 'vitest'

testStore(
  { describe, it },
  {
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'fleetcert-sqlite-'))
      const opened: Store[] = []
      const open = (): Store => {
        const store = sqliteStore({ file: join(folder, 'fleet.db') })
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
          await rm(folder, { recursive: true })
        },
      }
    },
  },
)
