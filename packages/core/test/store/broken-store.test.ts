import assert from 'node:assert/strict'
import { memoryStore } from '@fleetcert/core'
import { type StoreFactory, testStore } from '@fleetcert/core/testing'
import { describe, it } from 'vitest'
import { brokenStore, type Fault, faults } from './broken-store.ts'

type Test = readonly [name: string, body: () => Promise<void>]

/** The suite's tests, not run. */
function collect(factory: StoreFactory): readonly Test[] {
  const tests: Test[] = []
  testStore({ describe: (_, body) => body(), it: (name, body) => tests.push([name, body]) }, factory)
  return tests
}

function factoryOf(fault: Fault): StoreFactory {
  return {
    async create() {
      const store = brokenStore(memoryStore(), fault)
      return { store, second: async () => store, dispose: () => store.close() }
    },
    skip: { reopen: 'in memory' },
  }
}

async function failures(fault: Fault): Promise<readonly string[]> {
  const failed: string[] = []
  for (const [name, body] of collect(factoryOf(fault))) {
    await body().catch(error => {
      assert(error instanceof Error)
      failed.push(name)
    })
  }
  return failed
}

describe('the conformance suite catches a store whose fault is that', () => {
  it('nothing is wrong: no test fails', async () => {
    assert.deepEqual(await failures(() => ({})), [])
  })

  for (const [name, fault] of Object.entries(faults)) {
    it(name, async () => {
      const failed = await failures(fault)
      assert(failed.length > 0, 'no test of the suite failed')
    })
  }
})

describe('the conformance suite', () => {
  it('shows what is skipped with its reason', () => {
    const names = collect(factoryOf(() => ({}))).map(([name]) => name)
    assert(names.includes('everything is there after a restart (skipped: in memory)'))
  })

  it('fails where a factory gives neither a second handle nor a reason', async () => {
    const tests = collect({
      async create() {
        const store = memoryStore()
        return { store, dispose: () => store.close() }
      },
    })
    const [, body] = tests.find(([name]) => name.startsWith('two handles'))!
    await assert.rejects(body, /`second`/)
  })
})
