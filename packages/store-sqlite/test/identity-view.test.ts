import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from '@fleetcert/store-sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { plan, race } from '../../core/test/fleet/identity-view/races.ts'

// What is fresh, and for how long, is the property's to say.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const numRuns = process.env['FLEETCERT_LONG'] === '1' ? 2000 : 15

it('two processes on one file let nobody in after his end, whatever comes between', { timeout: 600_000 }, async () => {
  let hits = 0
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plan, async (scheduler, callers) => {
      const folder = mkdtempSync(join(tmpdir(), 'fleetcert-view-'))
      const open = () => sqliteStore({ file: join(folder, 'fleet.db') })
      const stores = [open(), open()] as const
      try {
        for (const store of stores) await store.open()
        hits += await race(scheduler, callers, { stores })
      } finally {
        for (const store of stores) await store.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns },
  )
  expect(hits).toBeGreaterThan(0)
})
