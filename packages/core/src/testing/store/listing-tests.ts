import assert from 'node:assert/strict'
import type { CertificateQuery } from '../../store/store.ts'
import { at, days, readPages } from './fixture.ts'
import type { StoreTest, StoreTestContext } from './store-test.ts'

export function listingTests(test: StoreTest): void {
  const list = ({ store }: Pick<StoreTestContext, 'store'>, query: CertificateQuery, limit = 2) =>
    readPages(page => store.certificates(query, page), limit)

  test("a device's certificates are listed newest first, in every state", async context => {
    const { fixture, store } = context
    const abandoned = await fixture.reserve({ holder: { instance: 'i', leaseUntil: at(1) } })
    await store.abandon(at(2))
    const issued = await fixture.issue()
    await fixture.issue({ deviceId: 'device-10' })
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    const revoked = await fixture.issue()
    await fixture.revoke(revoked.id)
    const reserved = await fixture.reserve()
    const listed = await list(context, { list: 'device', deviceId: 'device-1' })
    assert.deepEqual(
      listed.map(record => [record.id.serialNumber, record.state]),
      [
        [reserved.id.serialNumber, 'reserved'],
        [revoked.id.serialNumber, 'issued'],
        [pinned.id.serialNumber, 'pinned'],
        [issued.id.serialNumber, 'issued'],
        [abandoned.id.serialNumber, 'abandoned'],
      ],
    )
    assert.deepEqual(listed[1], await store.certificate(revoked.id))
    assert.deepEqual(await list(context, { list: 'device', deviceId: 'unheard-of' }), [])
  })

  test('devices are listed by device id with their newest certificate', async context => {
    const { fixture, store } = context
    const ids = ['b', 'a', 'B', 'a-1', 'a.1', 'a10', 'z', '0']
    for (const deviceId of ids) await fixture.issue({ deviceId })
    const newest = await fixture.issue({ deviceId: 'b' })
    await fixture.reserve({ deviceId: 'a' })
    await fixture.reserve({ deviceId: 'reserved-only' })
    await store.register(fixture.pinned({ deviceId: 'pinned' }), [])
    await fixture.issue({ role: 'server', ...(fixture.reservation().deviceId && { deviceId: 'server-1' }) })
    const listed = await list(context, { list: 'devices' }, 3)
    assert.deepEqual(
      listed.map(record => record.deviceId),
      ['0', 'B', 'a', 'a-1', 'a.1', 'a10', 'b', 'pinned', 'server-1', 'z'],
    )
    assert.deepEqual(listed[6], await store.certificate(newest.id))
  })

  test('the newest certificate is the one that was reserved last, whichever was committed last', async context => {
    const { fixture, store } = context
    const first = await fixture.reserve()
    const second = await fixture.reserve()
    for (const { id } of [second, first]) await store.commit(id, fixture.octets(), [])
    assert.deepEqual(
      (await list(context, { list: 'devices' })).map(record => record.id),
      [second.id],
    )
  })

  test('a listing goes on behind certificates that were pruned meanwhile', async ({ store, fixture }) => {
    for (let count = 0; count < 2; count++) await fixture.reserve({ notAfter: at(1) })
    const { next } = await store.certificates({ list: 'reserved' }, { limit: 1 })
    assert.equal(await store.prune({ certificatesExpiredBefore: days(1) }, 10), 2)
    const later = await fixture.reserve()
    const { items } = await store.certificates({ list: 'reserved' }, { after: next!, limit: 10 })
    assert.deepEqual(
      items.map(record => record.id),
      [later.id],
    )
  })

  test('a certificate that belongs to no device is in no listing of devices', async context => {
    const { fixture, store } = context
    const { deviceId: _, ...server } = fixture.reservation({ role: 'server' })
    await store.reserve(server, [])
    await store.commit(server.id, fixture.octets(), [])
    assert.deepEqual(await list(context, { list: 'devices' }), [])
  })

  test('a listing of devices goes on behind any device id', async context => {
    const { fixture, store } = context
    for (const deviceId of ['a', 'c', 'e']) await fixture.issue({ deviceId })
    for (const [after, expected] of [
      ['b', ['c', 'e']],
      ['c', ['e']],
      ['e', []],
    ] as const) {
      const { items } = await store.certificates({ list: 'devices' }, { after, limit: 10 })
      assert.deepEqual(
        items.map(record => record.deviceId),
        expected,
      )
    }
  })

  test('filters look at the newest certificate of each device', async context => {
    const { fixture } = context
    await fixture.issue({ deviceId: 'a', owner: 'x', notAfter: days(10) })
    await fixture.issue({ deviceId: 'a', owner: 'y', notAfter: days(100) })
    await fixture.issue({ deviceId: 'b', owner: 'x', notAfter: days(20) })
    await fixture.issue({ deviceId: 'c', role: 'service', notAfter: days(30) })
    await fixture.issue({ deviceId: 'd', owner: 'x', notAfter: days(300) })
    const deviceIds = async (filter: Omit<Extract<CertificateQuery, { list: 'devices' }>, 'list'>) =>
      (await list(context, { list: 'devices', ...filter }, 1)).map(record => record.deviceId)
    assert.deepEqual(await deviceIds({ owner: 'x' }), ['b', 'd'])
    assert.deepEqual(await deviceIds({ owner: 'y' }), ['a'])
    assert.deepEqual(await deviceIds({ role: 'service' }), ['c'])
    assert.deepEqual(await deviceIds({ expiringBefore: days(30) }), ['b'])
    assert.deepEqual(await deviceIds({ expiringBefore: days(31) }), ['b', 'c'])
    assert.deepEqual(await deviceIds({ expiringBefore: days(200), owner: 'x', role: 'device' }), ['b'])
  })

  test('a cursor or limit that makes no sense is refused', async ({ store }) => {
    await assert.rejects(store.certificates({ list: 'reserved' }, { after: 'x', limit: 1 }), { code: 'ERR_PKI_CURSOR' })
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(store.certificates({ list: 'devices' }, { limit }), RangeError)
      await assert.rejects(store.ledger({ after: '', limit }), RangeError)
    }
  })
}
