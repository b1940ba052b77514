import assert from 'node:assert/strict'
import type { FleetEventInput, Store } from '../../store/store.ts'
import { at, inputOf, readLedger } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

/** The simplest change that carries events. */
let documents = 0
async function append(store: Store, events: readonly FleetEventInput[]): Promise<void> {
  documents += 1
  assert.equal(await store.putDocument(`document-${documents}`, new Uint8Array([1]), 0, events), true)
}

export function ledgerTests(test: StoreTest): void {
  test('events come back exactly as they went in, in commit order, with rising sequence numbers', async ({
    store,
    fixture,
  }) => {
    const events: FleetEventInput[] = [
      fixture.event('fleetCreated'),
      fixture.event('issued', {
        at: new Date(at(5).getTime() + 7),
        deviceId: 'device-1',
        certificate: fixture.id(),
        fingerprint: 'AA:BB:CC',
        details: {
          text: 'quotes " and \\ and 𝄞 and \u0000 and \ud800',
          empty: '',
          whole: 9_007_199_254_740_991,
          fraction: 0.1,
          negative: -1e-7,
          yes: true,
          no: false,
        },
      }),
      fixture.event('settingsChanged', { at: at(-99_999), details: {} }),
    ]
    await append(store, events.slice(0, 2))
    await append(store, events.slice(2))
    const ledger = await readLedger(store)
    assert.deepEqual(ledger.map(inputOf), events)
    for (const [index, event] of ledger.entries()) {
      assert(Number.isSafeInteger(event.sequence))
      if (index > 0) assert(event.sequence > ledger[index - 1]!.sequence)
    }
  })

  test('every cursor goes on behind its event', async ({ store, fixture }) => {
    await append(
      store,
      Array.from({ length: 9 }, (_, index) => fixture.event('issued', { details: { index } })),
    )
    const ledger = await readLedger(store, '', 4)
    for (const [index, event] of ledger.entries()) {
      assert.deepEqual(await readLedger(store, event.cursor, 2), ledger.slice(index + 1))
    }
  })

  test('`next` is always there, and the ledger can be followed from it', async ({ store, fixture }) => {
    const empty = await store.ledger({ after: '', limit: 5 })
    assert.deepEqual(empty.items, [])
    await append(store, [fixture.event('issued')])
    const first = await store.ledger({ after: empty.next, limit: 5 })
    assert.deepEqual(
      first.items.map(event => event.type),
      ['issued'],
    )
    const nothing = await store.ledger({ after: first.next, limit: 5 })
    assert.deepEqual(nothing.items, [])
    await append(store, [fixture.event('revoked')])
    const second = await store.ledger({ after: nothing.next, limit: 5 })
    assert.deepEqual(
      second.items.map(event => event.type),
      ['revoked'],
    )
  })

  test('whoever reads while others write meets every event once, in order', async ({ store, fixture }) => {
    const writes = Array.from({ length: 30 }, (_, index) =>
      append(store, [
        fixture.event('issuing', { details: { index, part: 0 } }),
        fixture.event('issued', { details: { index, part: 1 } }),
      ]),
    )
    const read: number[] = []
    let cursor = ''
    const follow = async (): Promise<void> => {
      const page = await store.ledger({ after: cursor, limit: 4 })
      read.push(...page.items.map(event => event.sequence))
      cursor = page.next
    }
    for (let count = 0; count < 10; count++) await follow()
    await Promise.all(writes)
    while (read.length < 60) {
      const before = read.length
      await follow()
      assert(read.length > before, 'events are missing')
    }
    const ledger = await readLedger(store)
    assert.deepEqual(
      read,
      ledger.map(event => event.sequence),
    )
    for (let index = 0; index < 60; index += 2) {
      assert.equal(
        ledger[index]!.details!['index'],
        ledger[index + 1]!.details!['index'],
        'events of one change stay together',
      )
    }
  })

  test('a cursor that this store did not give out is refused', async ({ store, fixture }) => {
    await append(store, [fixture.event()])
    for (const after of ['x', '-1', '1x', '99999999', ' ']) {
      await assert.rejects(store.ledger({ after, limit: 1 }), { code: 'ERR_PKI_CURSOR' }, after)
    }
    await assert.rejects(store.saveCursor('consumer', 'x', undefined), { code: 'ERR_PKI_CURSOR' })
  })

  test('the latest date of the ledger is known, whichever entry came last', async ({ store, fixture }) => {
    assert.equal(await store.newestEventAt(), undefined)
    await append(store, [fixture.event('issued', { at: at(50) }), fixture.event('issued', { at: at(40) })])
    assert.deepEqual(await store.newestEventAt(), at(50))
  })

  test('each consumer has a cursor of its own', async ({ store, fixture }) => {
    await append(store, [fixture.event(), fixture.event(), fixture.event()])
    const [first, second] = await readLedger(store)
    assert.equal(await store.cursor('audit'), '')
    const appended = await fixture.appended(async () => {
      assert.equal(await store.saveCursor('audit', first!.cursor, undefined), true)
      assert.equal(await store.saveCursor('audit', second!.cursor, undefined), true)
      assert.equal(await store.saveCursor('kicks', first!.cursor, undefined), true)
    })
    assert.deepEqual(appended, [])
    assert.equal(await store.cursor('audit'), second!.cursor)
    assert.equal(await store.cursor('kicks'), first!.cursor)
    assert.deepEqual((await store.ledger({ after: await store.cursor('audit'), limit: 9 })).items.length, 1)
  })
}
