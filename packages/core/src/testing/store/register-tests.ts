import assert from 'node:assert/strict'
import { inputOf } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function registerTests(test: StoreTest): void {
  test('a foreign certificate is pinned with everything it says', async ({ store, fixture }) => {
    const pinned = fixture.pinned({ owner: 'owner-1', attributes: { site: 'north' } })
    const event = fixture.event('registered', { deviceId: 'device-1' })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.register(pinned, [event]), 'registered')
    })
    assert.deepEqual(await store.certificate({ fingerprint: pinned.fingerprint }), { ...pinned, state: 'pinned' })
    assert.deepEqual(await store.certificate(pinned.id), { ...pinned, state: 'pinned' })
    assert.deepEqual(appended.map(inputOf), [event])
  })

  test('the same one for the same device again is registered, once; for another device it is taken', async ({
    store,
    fixture,
  }) => {
    const pinned = fixture.pinned()
    const appended = await fixture.appended(async () => {
      assert.equal(await store.register(pinned, [fixture.event('registered')]), 'registered')
      assert.equal(await store.register(pinned, [fixture.event('registered')]), 'registered')
      assert.equal(await store.register({ ...pinned, deviceId: 'device-2' }, [fixture.event('registered')]), 'taken')
    })
    assert.equal(appended.length, 1)
    assert.equal((await fixture.record(pinned.id)).deviceId, 'device-1')
  })

  test('an id or a fingerprint that belongs to another certificate is taken', async ({ store, fixture }) => {
    const issued = await fixture.issue()
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    const sameId = fixture.pinned({ id: pinned.id })
    const issuedBytes = fixture.pinned({ der: issued.der })
    assert.equal(await store.register(sameId, []), 'taken')
    assert.equal(await store.register(issuedBytes, []), 'taken')
    assert.deepEqual((await fixture.record(pinned.id)).der, pinned.der)
  })

  test('registering again does not lift a revocation', async ({ store, fixture }) => {
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    await fixture.revoke(pinned.id)
    assert.equal(await store.register(pinned, []), 'registered')
    assert.notEqual((await fixture.record(pinned.id)).revocation, undefined)
  })
}
