import assert from 'node:assert/strict'
import { at, days, inputOf, issuer, otherIssuer, readPages, sha256 } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function reserveTests(test: StoreTest): void {
  test('a reservation is kept with everything it says', async ({ store, fixture }) => {
    const reservation = fixture.reservation({
      owner: 'owner-1',
      attributes: { site: 'north', line: 'Ä"\\ €', empty: '' },
      role: 'service',
      profile: 'custom-profile',
      shard: 7,
      createdAt: new Date(at(0).getTime() + 123),
    })
    const event = fixture.event('issuing', { deviceId: 'device-1', certificate: reservation.id })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.reserve(reservation, [event]), 'reserved')
    })
    const { expect: _, ...expected } = reservation
    assert.deepEqual(await store.certificate(reservation.id), { ...expected, state: 'reserved' })
    assert.deepEqual(appended.map(inputOf), [event])
  })

  test('a certificate without device, owner and attributes has no such members', async ({ fixture }) => {
    const { deviceId: _, ...server } = fixture.reservation({ role: 'server' })
    assert.equal(await fixture.store.reserve(server, []), 'reserved')
    const record = await fixture.record(server.id)
    assert.deepEqual(
      ['deviceId', 'owner', 'attributes', 'der', 'fingerprint', 'revocation', 'supersededAt'].filter(
        key => key in record,
      ),
      [],
    )
  })

  test('the same reservation again is reserved, once', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    const reservation = fixture.reservation({ expect: 'newDevice', tokenHash: token.hash })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.reserve(reservation, [fixture.event('issuing')]), 'reserved')
      assert.equal(await store.reserve(reservation, [fixture.event('issuing')]), 'reserved')
    })
    assert.equal(appended.length, 1)
    assert.equal((await store.certificates({ list: 'reserved' }, { limit: 10 })).items.length, 1)
  })

  test('a serial number that is taken is refused: by a reservation, a certificate or a pinned one', async ({
    store,
    fixture,
  }) => {
    const reserved = await fixture.reserve()
    const issued = await fixture.issue()
    const pinned = fixture.pinned()
    assert.equal(await store.register(pinned, []), 'registered')
    const appended = await fixture.appended(async () => {
      for (const { id } of [reserved, issued, pinned]) {
        const again = fixture.reservation({ id, deviceId: 'device-2', expect: 'newDevice' })
        assert.equal(await store.reserve(again, [fixture.event('issuing')]), 'serialTaken')
      }
    })
    assert.deepEqual(appended, [])
    assert.deepEqual((await fixture.record(reserved.id)).tbsCertificate, reserved.tbsCertificate)
  })

  test("another device's, another holder's or other bytes are not the same reservation", async ({ store, fixture }) => {
    const reservation = await fixture.reserve()
    const others = [
      { ...reservation, deviceId: 'device-2' },
      { ...reservation, holder: { ...reservation.holder, instance: 'instance-2' } },
      { ...reservation, tbsCertificate: fixture.octets() },
    ]
    for (const other of others) assert.equal(await store.reserve(other, []), 'serialTaken')
    const extended = { ...reservation, holder: { ...reservation.holder, leaseUntil: at(99) } }
    assert.equal(await store.reserve(extended, []), 'reserved')
  })

  test('a serial number is unique per issuer only', async ({ fixture }) => {
    const { id } = await fixture.reserve()
    await fixture.reserve({ id: { ...id, issuerKeyId: otherIssuer } })
    assert.equal((await fixture.record(id)).id.issuerKeyId, issuer)
  })

  newDeviceTests(test)
  supersedesTests(test)
  blockedKeyTests(test)
}

function newDeviceTests(test: StoreTest): void {
  test('newDevice: a live certificate or reservation is in the way', async ({ store, fixture }) => {
    await fixture.issue({ deviceId: 'certificate' })
    await fixture.reserve({ deviceId: 'reservation' })
    await store.register(fixture.pinned({ deviceId: 'pinned' }), [])
    const held = await fixture.issue({ deviceId: 'held' })
    await fixture.revoke(held.id, 'certificateHold')
    const expiring = await fixture.issue({ deviceId: 'expiring', notAfter: at(0) })
    assert.deepEqual((await fixture.record(expiring.id)).notAfter, at(0))
    const appended = await fixture.appended(async () => {
      for (const deviceId of ['certificate', 'reservation', 'pinned', 'held', 'expiring']) {
        const again = fixture.reservation({ deviceId, expect: 'newDevice' })
        assert.equal(await store.reserve(again, [fixture.event('issuing')]), 'expectationFailed', deviceId)
        assert.equal(await store.certificate(again.id), undefined)
      }
    })
    assert.deepEqual(appended, [])
  })

  test('newDevice: what is over is not in the way', async ({ store, fixture }) => {
    await fixture.issue({ deviceId: 'expired', notAfter: at(-1) })
    const revoked = await fixture.issue({ deviceId: 'revoked' })
    await fixture.revoke(revoked.id)
    const superseded = await fixture.issue({ deviceId: 'superseded' })
    const renewed = await fixture.issue({
      deviceId: 'superseded',
      expect: { supersedes: superseded.fingerprint, at: at(0) },
    })
    await fixture.revoke(renewed.id)
    const abandoned = await fixture.reserve({ deviceId: 'abandoned', holder: { instance: 'i', leaseUntil: at(-10) } })
    assert.equal(await store.abandon(at(-9)), 1)
    const revokedReservation = await fixture.reserve({ deviceId: 'revoked-reservation' })
    await fixture.revoke(revokedReservation.id)
    for (const deviceId of ['expired', 'revoked', 'superseded', 'abandoned', 'revoked-reservation', 'unheard-of']) {
      await fixture.reserve({ deviceId, expect: 'newDevice' })
    }
    assert.equal((await fixture.record(abandoned.id)).state, 'abandoned')
  })

  test('newDevice: a certificate that is superseded later is still in the way', async ({ store, fixture }) => {
    const old = await fixture.issue()
    const renewed = await fixture.issue({ expect: { supersedes: old.fingerprint, at: days(1) } })
    await fixture.revoke(renewed.id)
    const before = fixture.reservation({ expect: 'newDevice', createdAt: at(86_399) })
    assert.equal(await store.reserve(before, []), 'expectationFailed')
    await fixture.reserve({ expect: 'newDevice', createdAt: days(1), holder: { instance: 'i', leaseUntil: days(2) } })
  })

  test('newDevice: a reservation whose lease ran out is taken from its holder', async ({ store, fixture }) => {
    const stalled = await fixture.reserve({ holder: { instance: 'stalled', leaseUntil: at(10) } })
    const early = fixture.reservation({ expect: 'newDevice', createdAt: at(10) })
    assert.equal(await store.reserve(early, []), 'expectationFailed')
    const appended = await fixture.appended(() =>
      fixture.reserve({ expect: 'newDevice', createdAt: at(11), holder: { instance: 'i', leaseUntil: at(30) } }),
    )
    assert.deepEqual(
      appended.map(event => [event.type, event.deviceId, event.certificate]),
      [['abandoned', 'device-1', stalled.id]],
    )
    assert.equal((await fixture.record(stalled.id)).state, 'abandoned')
    await store.extendHolder('stalled', at(100))
    assert.equal(await store.commit(stalled.id, fixture.octets(), []), 'lost')
  })
}

function supersedesTests(test: StoreTest): void {
  test('supersedes: another certificate of the device is renewed and superseded at commit', async ({
    store,
    fixture,
  }) => {
    const old = await fixture.issue()
    const renewal = await fixture.reserve({ expect: { supersedes: old.fingerprint, at: days(1) } })
    assert.equal('supersededAt' in (await fixture.record(old.id)), false)
    assert.equal(await store.commit(renewal.id, fixture.octets(), []), 'committed')
    assert.deepEqual((await fixture.record(old.id)).supersededAt, days(1))
    assert.equal('supersededAt' in (await fixture.record(renewal.id)), false)
  })

  test('supersedes: a pinned certificate can be renewed', async ({ store, fixture }) => {
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    await fixture.issue({ expect: { supersedes: pinned.fingerprint, at: at(5) } })
    assert.deepEqual((await fixture.record(pinned.id)).supersededAt, at(5))
  })

  test("supersedes: what is unknown, another device's, revoked or held is deviceClosed", async ({ store, fixture }) => {
    const foreign = await fixture.issue({ deviceId: 'device-2' })
    const revoked = await fixture.issue()
    const held = await fixture.issue()
    await fixture.revoke(revoked.id)
    await fixture.revoke(held.id, 'certificateHold')
    const appended = await fixture.appended(async () => {
      for (const fingerprint of [sha256('unknown'), foreign.fingerprint, revoked.fingerprint, held.fingerprint]) {
        const renewal = fixture.reservation({ expect: { supersedes: fingerprint, at: at(5) } })
        assert.equal(await store.reserve(renewal, [fixture.event('issuing')]), 'deviceClosed')
        assert.equal(await store.certificate(renewal.id), undefined)
      }
    })
    assert.deepEqual(appended, [])
  })

  test('supersedes: what is superseded, or being renewed, is expectationFailed', async ({ store, fixture }) => {
    const old = await fixture.issue()
    const expect = { supersedes: old.fingerprint, at: days(1) }
    const first = await fixture.reserve({ expect })
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
    assert.equal(await store.commit(first.id, fixture.octets(), []), 'committed')
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
  })

  test('supersedes: what was replaced by a revoked certificate can be renewed again, as long as it is good', async ({
    store,
    fixture,
  }) => {
    const old = await fixture.issue()
    const lost = await fixture.issue({ expect: { supersedes: old.fingerprint, at: days(1) } })
    const expect = { supersedes: old.fingerprint, at: days(2) }
    const lasting = { instance: 'i', leaseUntil: days(9) }
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
    await fixture.revoke(lost.id, 'certificateHold')
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
    await fixture.revoke(lost.id, 'superseded')
    const late = fixture.reservation({ expect, createdAt: days(1), holder: lasting })
    assert.equal(await store.reserve(late, []), 'expectationFailed')
    const again = await fixture.issue({ expect })
    // An end never moves back.
    assert.deepEqual((await fixture.record(old.id)).supersededAt, days(1))
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
    await fixture.revoke(again.id)
    await fixture.issue({ expect: { supersedes: old.fingerprint, at: at(9) } })
    assert.deepEqual((await fixture.record(old.id)).supersededAt, at(9))
  })

  test('supersedes: what was replaced over a revoked certificate by a good one cannot be renewed', async ({
    store,
    fixture,
  }) => {
    const old = await fixture.issue()
    const lost = await fixture.issue({ expect: { supersedes: old.fingerprint, at: days(1) } })
    const good = await fixture.issue({ expect: { supersedes: lost.fingerprint, at: days(1) } })
    await fixture.revoke(lost.id, 'superseded')
    const expect = { supersedes: old.fingerprint, at: days(1) }
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
    await fixture.revoke(good.id, 'certificateHold')
    assert.equal(await store.reserve(fixture.reservation({ expect }), []), 'expectationFailed')
    await fixture.revoke(good.id, 'superseded')
    await fixture.issue({ expect })
  })

  test('supersedes: a renewal whose lease ran out is taken from its holder', async ({ store, fixture }) => {
    const old = await fixture.issue()
    const expect = { supersedes: old.fingerprint, at: days(1) }
    const stalled = await fixture.reserve({ expect, holder: { instance: 'stalled', leaseUntil: at(10) } })
    const appended = await fixture.appended(async () => {
      const second = await fixture.reserve({ expect, createdAt: at(11), holder: { instance: 'i', leaseUntil: at(30) } })
      assert.equal(await store.commit(stalled.id, fixture.octets(), []), 'lost')
      assert.equal(await store.commit(second.id, fixture.octets(), []), 'committed')
    })
    assert.deepEqual(
      appended.map(event => event.type),
      ['abandoned'],
    )
  })

  test('supersedes: a revoked or abandoned renewal is not in the way', async ({ store, fixture }) => {
    const old = await fixture.issue()
    const expect = { supersedes: old.fingerprint, at: days(1) }
    const revoked = await fixture.reserve({ expect })
    await fixture.revoke(revoked.id)
    await fixture.reserve({ expect, holder: { instance: 'gone', leaseUntil: at(1) } })
    assert.equal(await store.abandon(at(2)), 1)
    await fixture.issue({ expect })
  })
}

function blockedKeyTests(test: StoreTest): void {
  test('a public key revoked for keyCompromise is blocked for every device, however it was revoked', async ({
    store,
    fixture,
  }) => {
    const one = await fixture.issue({ deviceId: 'a' })
    await fixture.revoke(one.id, 'keyCompromise')
    const two = await fixture.issue({ deviceId: 'b' })
    await store.revokeDevice('b', fixture.revocation('keyCompromise'), fixture.event('revoked'))
    const three = await fixture.reserve({ deviceId: 'c' })
    await fixture.revoke(three.id, 'certificateHold')
    await fixture.revoke(three.id, 'keyCompromise')
    const appended = await fixture.appended(async () => {
      for (const { publicKeyHash } of [one.reservation, two.reservation, three]) {
        const reservation = fixture.reservation({ deviceId: 'd', publicKeyHash })
        assert.equal(await store.reserve(reservation, [fixture.event('issuing')]), 'keyBlocked')
        assert.equal(
          await store.register(fixture.pinned({ deviceId: 'd', publicKeyHash }), [fixture.event()]),
          'keyBlocked',
        )
      }
    })
    assert.deepEqual(appended, [])
  })

  test('a public key revoked for another reason is not blocked', async ({ fixture }) => {
    const { id, reservation } = await fixture.issue()
    await fixture.revoke(id, 'cessationOfOperation')
    await fixture.reserve({ publicKeyHash: reservation.publicKeyHash, expect: 'newDevice' })
    assert.equal((await readPages(page => fixture.store.certificates({ list: 'reserved' }, page), 10)).length, 1)
  })
}
