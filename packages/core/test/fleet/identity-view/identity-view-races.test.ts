import { memoryStore } from '@fleetcert/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LedgerWatch } from '../../../src/revocation/ledger-watch.ts'
import { plan, race } from './races.ts'

// What is fresh, and for how long, is the property's to say.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const numRuns = process.env['FLEETCERT_LONG'] === '1' ? 50_000 : 400

const property = (spoil?: (watch: LedgerWatch) => LedgerWatch, count = (_: number): void => {}) =>
  fc.asyncProperty(fc.scheduler(), plan, async (scheduler, callers) => {
    const store = memoryStore()
    count(await race(scheduler, callers, { stores: [store, store], ...(spoil && { spoil }) }))
  })

it('lets nobody in after his end, and shuts nobody out, whatever comes between', { timeout: 600_000 }, async () => {
  let hits = 0
  await fc.assert(
    property(undefined, count => {
      hits += count
    }),
    { numRuns },
  )
  // Else it would prove nothing about what is kept.
  expect(hits).toBeGreaterThan(50)
})

describe('finds a watch', () => {
  const changed = (watch: LedgerWatch, changes: Partial<LedgerWatch>): LedgerWatch =>
    new Proxy(watch, {
      get: (_, name) => (Object.hasOwn(changes, name) ? Reflect.get(changes, name) : Reflect.get(watch, name)),
    })
  it.each<[string, (watch: LedgerWatch) => LedgerWatch]>([
    [
      'that calls itself fresh once it has begun',
      watch => changed(watch, { isFresh: () => watch.hasBegun || watch.isFresh() }),
    ],
    ['that hears of nothing', watch => changed(watch, { listen: () => {} })],
    [
      'that does not heed this process’s own revocations',
      watch => changed(watch, { expire: () => {}, doubt: () => {} }),
    ],
    ['that does not heed this process’s own renewals', watch => changed(watch, { note: () => {} })],
    ['that does not say what changed while the store was read', watch => changed(watch, { epoch: 0 })],
    [
      'that tells of revocations alone',
      watch =>
        changed(watch, {
          listen: listener =>
            watch.listen({
              ...listener,
              heard: change => {
                if (change?.type !== 'renewed') listener.heard(change)
              },
            }),
        }),
    ],
    [
      'that lets readings that were begun before a change answer those who ask after it',
      watch => changed(watch, { listen: ({ heard }) => watch.listen({ heard }) }),
    ],
  ])('%s', async (_, spoil) => {
    const found = await fc.check(property(spoil), { numRuns: 20_000, endOnFailure: true, seed: 1 })
    // By what it lets in or shuts out, and by nothing else.
    expect(String(found.errorInstance)).toMatch(/is let in after its end|is unknown after its enrolment/)
  })
})
