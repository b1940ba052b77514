import assert from 'node:assert/strict'
import { at, days, inputOf, sha256 } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function commitTests(test: StoreTest): void {
  test('a committed certificate is found by id and by fingerprint, with everything it says', async ({
    store,
    fixture,
  }) => {
    const reservation = await fixture.reserve({ owner: 'owner-1', attributes: { site: 'north' } })
    const der = fixture.octets(700)
    const event = fixture.event('issued', { certificate: reservation.id, fingerprint: 'AA:BB' })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.commit(reservation.id, der, [event]), 'committed')
    })
    const { expect: _, holder: __, tbsCertificate: ___, ...subject } = reservation
    const expected = { ...subject, state: 'issued', der, fingerprint: sha256(der) }
    assert.deepEqual(await store.certificate(reservation.id), expected)
    assert.deepEqual(await store.certificate({ fingerprint: sha256(der) }), expected)
    assert.deepEqual(appended.map(inputOf), [event])
    assert.deepEqual((await store.certificates({ list: 'reserved' }, { limit: 10 })).items, [])
  })

  test('what was never reserved is not found, and its commit is lost', async ({ store, fixture }) => {
    const id = fixture.id()
    const appended = await fixture.appended(async () => {
      assert.equal(await store.commit(id, fixture.octets(), [fixture.event()]), 'lost')
    })
    assert.deepEqual(appended, [])
    assert.equal(await store.certificate(id), undefined)
    assert.equal(await store.certificate({ fingerprint: sha256('unknown') }), undefined)
  })

  test('the same bytes again are committed, once; other bytes are lost', async ({ store, fixture }) => {
    const { id } = await fixture.reserve()
    const der = fixture.octets()
    const appended = await fixture.appended(async () => {
      assert.equal(await store.commit(id, der, [fixture.event()]), 'committed')
      assert.equal(await store.commit(id, der, [fixture.event()]), 'committed')
      assert.equal(await store.commit(id, fixture.octets(), [fixture.event()]), 'lost')
    })
    assert.equal(appended.length, 1)
    assert.deepEqual((await fixture.record(id)).der, der)
  })

  test('the same bytes again are committed even when they were revoked since', async ({ store, fixture }) => {
    const { id, der } = await fixture.issue()
    await fixture.revoke(id)
    assert.equal(await store.commit(id, der, []), 'committed')
    assert.notEqual((await fixture.record(id)).revocation, undefined)
  })

  test('a reservation that was revoked, or is held, is not committed', async ({ store, fixture }) => {
    const revoked = await fixture.reserve()
    await fixture.revoke(revoked.id)
    const held = await fixture.reserve()
    await fixture.revoke(held.id, 'certificateHold')
    const appended = await fixture.appended(async () => {
      assert.equal(await store.commit(revoked.id, fixture.octets(), [fixture.event()]), 'revoked')
      assert.equal(await store.commit(held.id, fixture.octets(), [fixture.event()]), 'revoked')
    })
    assert.deepEqual(appended, [])
    assert.equal((await fixture.record(revoked.id)).state, 'reserved')
    assert.equal(await store.release(held.id, []), true)
    assert.equal(await store.commit(held.id, fixture.octets(), []), 'committed')
  })

  test('an abandoned reservation is not committed', async ({ store, fixture }) => {
    const { id } = await fixture.reserve({ holder: { instance: 'i', leaseUntil: at(1) } })
    assert.equal(await store.abandon(at(2)), 1)
    const appended = await fixture.appended(async () => {
      assert.equal(await store.commit(id, fixture.octets(), [fixture.event()]), 'lost')
    })
    assert.deepEqual(appended, [])
    assert.equal((await fixture.record(id)).state, 'abandoned')
  })

  test('a certificate is recorded under one id, and a pinned one is not committed', async ({ store, fixture }) => {
    const { der } = await fixture.issue()
    const second = await fixture.reserve()
    assert.equal(await store.commit(second.id, der, []), 'lost')
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    assert.equal(await store.commit(pinned.id, pinned.der, []), 'lost')
    assert.equal((await fixture.record(second.id)).state, 'reserved')
  })

  epochTests(test)

  test('a key that was blocked since it was reserved is not committed', async ({ store, fixture }) => {
    const { id, reservation } = await fixture.issue({ deviceId: 'device-2' })
    const sameKey = await fixture.reserve({ publicKeyHash: reservation.publicKeyHash })
    await fixture.revoke(id, 'keyCompromise')
    assert.equal(await store.commit(sameKey.id, fixture.octets(), []), 'lost')
  })

  test('a renewal is lost when what it renews was revoked or held since', async ({ store, fixture }) => {
    for (const reason of ['cessationOfOperation', 'certificateHold'] as const) {
      const old = await fixture.issue({ deviceId: reason })
      const renewal = await fixture.reserve({ deviceId: reason, expect: { supersedes: old.fingerprint, at: days(1) } })
      await fixture.revoke(old.id, reason)
      assert.equal(await store.commit(renewal.id, fixture.octets(), []), 'lost')
      assert.equal((await fixture.record(old.id)).supersededAt, undefined)
    }
  })

  test('a renewal is lost when what it renews was pruned since', async ({ store, fixture }) => {
    const old = await fixture.issue({ notAfter: at(1) })
    const renewal = await fixture.reserve({ expect: { supersedes: old.fingerprint, at: at(0) } })
    assert.equal(await store.prune({ certificatesExpiredBefore: days(1) }, 10), 1)
    assert.equal(await store.commit(renewal.id, fixture.octets(), []), 'lost')
  })
}

function epochTests(test: StoreTest): void {
  test('a renewal in flight does not slip through the revocation of its device', async ({ store, fixture }) => {
    const old = await fixture.issue()
    const renewal = await fixture.reserve({ expect: { supersedes: old.fingerprint, at: days(1) } })
    const ids = await store.revokeDevice('device-1', fixture.revocation(), fixture.event('revoked'))
    assert.deepEqual(ids.map(id => id.serialNumber).sort(), [old.id.serialNumber, renewal.id.serialNumber].sort())
    const result = await store.commit(renewal.id, fixture.octets(), [fixture.event()])
    assert(result === 'revoked' || result === 'lost', `must not be ${result}`)
    const record = await fixture.record(renewal.id)
    assert.notEqual(record.state, 'issued')
    assert.deepEqual(record.revocation, fixture.revocation())
  })

  test("a reservation from before its device's revocation is void even when its hold is released", async ({
    store,
    fixture,
  }) => {
    const { id } = await fixture.reserve()
    await store.revokeDevice('device-1', fixture.revocation('certificateHold'), fixture.event('held'))
    assert.equal(await store.release(id, []), true)
    assert.equal(await store.commit(id, fixture.octets(), []), 'lost')
    const later = await fixture.reserve()
    assert.equal(await store.commit(later.id, fixture.octets(), []), 'committed')
  })

  test("another device's revocation does not matter", async ({ store, fixture }) => {
    const { id } = await fixture.reserve()
    await store.revokeDevice('device-2', fixture.revocation(), fixture.event('revoked'))
    assert.equal(await store.commit(id, fixture.octets(), []), 'committed')
  })
}
