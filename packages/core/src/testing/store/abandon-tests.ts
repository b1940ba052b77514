import assert from 'node:assert/strict'
import { at, readPages, readRevoked } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const holder = (instance: string, seconds: number) => ({ holder: { instance, leaseUntil: at(seconds) } })

export function abandonTests(test: StoreTest): void {
  test('only reservations whose lease ran out are abandoned, each with an event', async ({ store, fixture }) => {
    const lapsed = await fixture.reserve({ deviceId: 'lapsed', ...holder('a', 9) })
    const { deviceId: _, ...lapsedServer } = fixture.reservation({ role: 'server', ...holder('a', 1) })
    await store.reserve(lapsedServer, [])
    const edge = await fixture.reserve({ deviceId: 'edge', ...holder('b', 10) })
    const alive = await fixture.reserve({ deviceId: 'alive', ...holder('c', 11) })
    const issued = await fixture.issue({ deviceId: 'issued', ...holder('a', 1) })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.abandon(at(10)), 2)
      assert.equal(await store.abandon(at(10)), 0)
    })
    assert.deepEqual(
      appended.map(event => [event.type, event.deviceId, event.certificate?.serialNumber]).sort(),
      [
        ['abandoned', 'lapsed', lapsed.id.serialNumber],
        ['abandoned', undefined, lapsedServer.id.serialNumber],
      ].sort(),
    )
    const states = [lapsed, lapsedServer, edge, alive, issued].map(async ({ id }) => (await fixture.record(id)).state)
    assert.deepEqual(await Promise.all(states), ['abandoned', 'abandoned', 'reserved', 'reserved', 'issued'])
  })

  test('an abandoned reservation keeps its bytes, has no holder, and can be revoked', async ({ store, fixture }) => {
    const { id, tbsCertificate } = await fixture.reserve(holder('a', 1))
    await store.abandon(at(2))
    const record = await fixture.record(id)
    assert.deepEqual(record.tbsCertificate, tbsCertificate)
    assert.equal('holder' in record, false)
    assert.deepEqual((await store.certificates({ list: 'reserved' }, { limit: 10 })).items, [])
    await fixture.revoke(id)
    assert.deepEqual(
      (await readRevoked(store)).map(entry => entry.serialNumber),
      [id.serialNumber],
    )
  })

  test('a holder gives up one reservation, whatever its lease; what is issued stays', async ({ store, fixture }) => {
    const given = await fixture.reserve({ deviceId: 'given', ...holder('a', 100) })
    const kept = await fixture.reserve({ deviceId: 'kept', ...holder('a', 100) })
    const issued = await fixture.issue({ deviceId: 'issued' })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.abandon({ ...given.id, at: at(3) }), 1)
      assert.equal(await store.abandon({ ...given.id, at: at(3) }), 0)
      assert.equal(await store.abandon({ ...issued.id, at: at(3) }), 0)
      assert.equal(await store.abandon({ ...given.id, serialNumber: '7e'.repeat(16), at: at(3) }), 0)
    })
    assert.deepEqual(
      appended.map(event => [event.type, event.deviceId, event.certificate?.serialNumber, event.at]),
      [['abandoned', 'given', given.id.serialNumber, at(3)]],
    )
    const states = [given, kept, issued].map(async ({ id }) => (await fixture.record(id)).state)
    assert.deepEqual(await Promise.all(states), ['abandoned', 'reserved', 'issued'])
    assert.equal(await store.commit(given.id, fixture.octets(), []), 'lost')
    await fixture.reserve({ deviceId: 'given' })
  })

  test('an event of an abandoned reservation is not dated later than the mark', async ({ store, fixture }) => {
    await fixture.reserve(holder('a', 1))
    const appended = await fixture.appended(() => store.abandon(at(2)))
    assert(appended[0]!.at <= at(2))
  })

  test("extendHolder renews the leases of one instance's reservations and of no other", async ({ store, fixture }) => {
    const mine = [await fixture.reserve(holder('mine', 5)), await fixture.reserve(holder('mine', 6))]
    const other = await fixture.reserve(holder('other', 5))
    const issued = await fixture.issue(holder('mine', 5))
    const appended = await fixture.appended(() => store.extendHolder('mine', at(100)))
    assert.deepEqual(appended, [])
    for (const { id } of mine) {
      assert.deepEqual((await fixture.record(id)).holder, { instance: 'mine', leaseUntil: at(100) })
    }
    assert.deepEqual((await fixture.record(other.id)).holder?.leaseUntil, at(5))
    assert.equal('holder' in (await fixture.record(issued.id)), false)
    assert.equal(await store.abandon(at(50)), 1)
    await store.extendHolder('other', at(100))
    assert.equal((await fixture.record(other.id)).state, 'abandoned')
  })

  test('what may have been signed is pending until it is issued or revoked for good, oldest first', async ({
    store,
    fixture,
  }) => {
    const gone = await fixture.reserve(holder('a', 1))
    const revoked = await fixture.reserve(holder('a', 1))
    const held = await fixture.reserve(holder('b', 100))
    await fixture.issue()
    await store.register(fixture.pinned(), [])
    const open = await fixture.reserve(holder('b', 100))
    const pruned = await fixture.reserve({ notAfter: at(3), ...holder('a', 1) })
    await store.abandon(at(2))
    await fixture.revoke(revoked.id)
    await fixture.revoke(held.id, 'certificateHold')
    assert.equal(await store.prune({ certificatesExpiredBefore: at(5) }, 10), 1)
    const pending = await readPages(page => store.certificates({ list: 'pending' }, page), 2)
    assert.deepEqual(
      pending.map(record => [record.id.serialNumber, record.state]),
      [
        [gone.id.serialNumber, 'abandoned'],
        [held.id.serialNumber, 'reserved'],
        [open.id.serialNumber, 'reserved'],
      ],
    )
    assert.equal(await store.certificate(pruned.id), undefined)
    assert.deepEqual(pending[0]?.tbsCertificate, gone.tbsCertificate)
  })

  test('open reservations are listed, oldest first, in pages', async ({ store, fixture }) => {
    const ids: string[] = []
    for (let count = 0; count < 7; count++) ids.push((await fixture.reserve()).id.serialNumber)
    await store.commit({ ...fixture.id(), serialNumber: ids[2]! }, fixture.octets(), [])
    const listed = await readPages(page => store.certificates({ list: 'reserved' }, page), 2)
    assert.deepEqual(
      listed.map(record => record.id.serialNumber),
      ids.filter((_, index) => index !== 2),
    )
    assert.equal(
      listed.every(record => record.state === 'reserved'),
      true,
    )
  })
}
