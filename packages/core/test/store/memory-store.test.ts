import { describe, it } from 'vitest'
import { memoryStore } from '../../src/store/memory-store.ts'
import { testStore } from '../../src/testing/index.ts'

testStore(
  { describe, it },
  {
    async create() {
      const store = memoryStore()
      // Its second handle is itself: nobody else can reach this process's memory.
      return { store, second: async () => store, dispose: () => store.close() }
    },
    skip: { reopen: 'a memory store is gone with its process' },
  },
)
