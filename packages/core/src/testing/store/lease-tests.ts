import assert from 'node:assert/strict'
import type { Lease, Store } from '../../store/store.ts'
import { issuer, readLedger } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }

async function take(store: Store, holder: string, seconds = 60): Promise<Lease> {
  const lease = await store.lease('crl', holder, seconds)
  assert(lease, `${holder} must get the lease`)
  return lease
}

export function leaseTests(test: StoreTest): void {
  test('one holder at a time has a lease, and keeps its fence', async ({ store }) => {
    const first = await take(store, 'a')
    assert.equal(first.name, 'crl')
    assert.equal(await store.lease('crl', 'b', 60), undefined)
    const again = await take(store, 'a', 600)
    assert.equal(again.fence, first.fence)
    assert(again.until > first.until)
    assert.equal(await store.lease('crl', 'b', 60), undefined)
    assert.notEqual(await store.lease('other', 'b', 60), undefined)
  })

  test('a lease that ran out is taken over with a higher fence', async ({ store }) => {
    const first = await take(store, 'a', 0)
    const second = await take(store, 'b', 60)
    assert(second.fence > first.fence)
    assert.equal(await store.lease('crl', 'a', 60), undefined)
  })

  test('a lease that ran out and that nobody took is renewed with its fence', async ({ store }) => {
    const first = await take(store, 'a', 0)
    assert.equal((await take(store, 'a', 60)).fence, first.fence)
  })

  test('a lease that was given back is free, with a higher fence for whoever takes it', async ({ store }) => {
    const first = await take(store, 'a')
    await store.releaseLease(first)
    await store.releaseLease(first)
    const second = await take(store, 'b')
    assert(second.fence > first.fence)
    await store.releaseLease(first)
    assert.equal(await store.lease('crl', 'c', 60), undefined, 'a stale lease cannot be given back for another')
    await store.releaseLease(second)
    assert((await take(store, 'b')).fence > second.fence)
  })

  test('of many that ask at once, one gets the lease', async ({ store }) => {
    const leases = await Promise.all(Array.from({ length: 8 }, (_, index) => store.lease('crl', `holder-${index}`, 60)))
    assert.equal(leases.filter(lease => lease !== undefined).length, 1)
  })

  test('writes under the current lease are taken, also when it ran out and nobody took it', async ({
    store,
    fixture,
  }) => {
    await store.putDocument('seed', new Uint8Array([1]), 0, [fixture.event()])
    const { cursor } = (await readLedger(store))[0]!
    const lease = await take(store, 'a', 0)
    assert.equal(await store.putDocument('settings', new Uint8Array([1]), 0, [], { lease }), true)
    assert.equal(await store.putCrl(scope, fixture.crl(1n), lease, []), true)
    assert.equal(await store.saveCursor('consumer', cursor, lease), true)
    assert.equal(await store.cursor('consumer'), cursor)
  })

  test('writes under a stale lease are refused: taken over, given back, or never given', async ({ store, fixture }) => {
    await store.putDocument('seed', new Uint8Array([1]), 0, [fixture.event()])
    const { cursor } = (await readLedger(store))[0]!
    const over = await take(store, 'a', 0)
    const back = await take(store, 'b')
    await store.releaseLease(back)
    const invented: Lease = { name: 'unheard-of', fence: 1, until: new Date(Date.now() + 60_000) }
    const appended = await fixture.appended(async () => {
      for (const lease of [over, back, invented]) {
        assert.equal(await store.putDocument('settings', new Uint8Array([1]), 0, [fixture.event()], { lease }), false)
        assert.equal(await store.putCrl(scope, fixture.crl(1n), lease, [fixture.event()]), false)
        assert.equal(await store.saveCursor('consumer', cursor, lease), false)
      }
    })
    assert.deepEqual(appended, [])
    assert.equal(await store.document('settings'), undefined)
    assert.equal(await store.crl(scope), undefined)
    assert.equal(await store.cursor('consumer'), '')
  })
}
