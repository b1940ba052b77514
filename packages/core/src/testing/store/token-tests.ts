import assert from 'node:assert/strict'
import { at, days, inputOf, issuer, sha256 } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function tokenTests(test: StoreTest): void {
  test('a token is spent once', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    await fixture.reserve({ tokenHash: token.hash })
    const appended = await fixture.appended(async () => {
      const again = fixture.reservation({ tokenHash: token.hash })
      assert.equal(await store.reserve(again, [fixture.event('issuing')]), 'tokenSpent')
      assert.equal(await store.certificate(again.id), undefined)
    })
    assert.deepEqual(appended, [])
  })

  test('a token is kept with everything it says, and its event once', async ({ store, fixture }) => {
    const token = fixture.token('device-1', {
      profile: 'sensor-7d',
      owner: 'owner-1',
      attributes: { site: 'north', empty: '' },
      expiresAt: new Date(days(1).getTime() + 123),
    })
    const event = fixture.event('tokenCreated', { deviceId: 'device-1', details: { profile: 'sensor-7d' } })
    const appended = await fixture.appended(async () => {
      await store.addToken(token, [event])
      await store.addToken({ ...token, owner: 'owner-2' }, [event])
    })
    assert.deepEqual(appended.map(inputOf), [event])
    assert.deepEqual(await store.token(token.hash), token)
    const bare = fixture.token('device-2')
    await store.addToken(bare, [])
    assert.deepEqual(await store.token(bare.hash), bare)
    assert.equal(await store.token(sha256('unknown')), undefined)
    const { id } = await fixture.reserve({ tokenHash: token.hash })
    assert.deepEqual(await store.token(token.hash), { ...token, spentBy: id })
  })

  test('a token is free again when what spent it came to nothing', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    const spend = (overrides: Parameters<typeof fixture.reservation>[0] = {}) =>
      fixture.reservation({ tokenHash: token.hash, ...overrides })

    const abandoned = await fixture.reserve({ tokenHash: token.hash })
    assert.equal(await store.abandon({ ...abandoned.id, at: at(1) }), 1)
    const revoked = await fixture.reserve({ tokenHash: token.hash })
    await fixture.revoke(revoked.id)
    const held = await fixture.reserve({ tokenHash: token.hash, holder: { instance: 'held', leaseUntil: at(10) } })
    await fixture.revoke(held.id, 'certificateHold')
    assert.equal(await store.reserve(spend({ createdAt: at(10) }), []), 'tokenSpent')

    // Its lease has run out: it is taken from its holder in the same step.
    const appended = await fixture.appended(async () => {
      const last = spend({ createdAt: at(11), holder: { instance: 'last', leaseUntil: at(99) } })
      assert.equal(await store.reserve(last, [fixture.event('issuing')]), 'reserved')
      assert.equal(await store.commit(last.id, fixture.octets(), [fixture.event('issued')]), 'committed')
    })
    assert.deepEqual(
      appended.map(event => event.type),
      ['abandoned', 'issuing', 'issued'],
    )
    assert.equal((await fixture.record(held.id)).state, 'abandoned')
    const later = spend({ createdAt: at(200), holder: { instance: 'later', leaseUntil: at(300) } })
    assert.equal(await store.reserve(later, []), 'tokenSpent')
  })

  test('a token is spent for good by a certificate, whatever becomes of that', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    const issued = await fixture.issue({ tokenHash: token.hash, notAfter: at(30) })
    await fixture.revoke(issued.id)
    const createdAt = at(60)
    const holder = { instance: 'later', leaseUntil: at(99) }
    const again = fixture.reservation({ tokenHash: token.hash, expect: 'newDevice', createdAt, holder })
    assert.equal(await store.reserve(again, []), 'tokenSpent')
    await store.putCrl({ issuerKeyId: issuer, shard: 0 }, fixture.crl(1n, { thisUpdate: at(90) }), undefined, [])
    assert.equal(await store.prune({ certificatesExpiredBefore: at(50) }, 10), 1)
    assert.equal(await store.reserve(again, []), 'tokenSpent')
  })

  test('the same reservation again keeps its token', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    const reservation = await fixture.reserve({ tokenHash: token.hash, expect: 'newDevice' })
    assert.equal(await store.reserve(reservation, []), 'reserved')
    assert.equal(await store.commit(reservation.id, fixture.octets(), []), 'committed')
  })

  test('a spent token stays spent when it is added again', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    await store.addToken(token, [])
    await fixture.reserve({ tokenHash: token.hash })
    await store.addToken(token, [])
    assert.equal(await store.reserve(fixture.reservation({ tokenHash: token.hash }), []), 'tokenSpent')
  })

  test('a token that is unknown, expired or for another device is refused', async ({ store, fixture }) => {
    const expired = fixture.token('device-1', { expiresAt: at(0) })
    const foreign = fixture.token('device-2')
    await store.addToken(expired, [])
    await store.addToken(foreign, [])
    for (const tokenHash of [sha256('unknown'), expired.hash, foreign.hash]) {
      assert.equal(await store.reserve(fixture.reservation({ tokenHash }), []), 'tokenSpent')
    }
    await fixture.reserve({ deviceId: 'device-2', tokenHash: foreign.hash })
  })

  test('a token is good until the moment it expires', async ({ store, fixture }) => {
    const token = fixture.token('device-1', { expiresAt: at(1) })
    await store.addToken(token, [])
    await fixture.reserve({ tokenHash: token.hash, createdAt: new Date(at(1).getTime() - 1) })
  })

  test('a refused reservation does not spend its token', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    const live = await fixture.issue()
    const taken = fixture.reservation({ id: live.id, tokenHash: token.hash })
    assert.equal(await store.reserve(taken, []), 'serialTaken')
    const second = fixture.reservation({ tokenHash: token.hash, expect: 'newDevice' })
    assert.equal(await store.reserve(second, []), 'expectationFailed')
    await fixture.reserve({ tokenHash: token.hash })
  })

  test('a token does not outlive the revocation of its device; one made later is good', async ({ store, fixture }) => {
    const before = fixture.token()
    await store.addToken(before, [])
    await store.revokeDevice('device-1', fixture.revocation(), fixture.event('revoked'))
    assert.equal(await store.reserve(fixture.reservation({ tokenHash: before.hash }), []), 'deviceClosed')
    const after = fixture.token()
    await store.addToken(after, [])
    await fixture.reserve({ tokenHash: after.hash, expect: 'newDevice' })
  })

  test('of many reservations at once, one gets the token', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token, [])
    const results = await Promise.all(
      Array.from({ length: 8 }, () => store.reserve(fixture.reservation({ tokenHash: token.hash }), [])),
    )
    assert.deepEqual(results.sort(), ['reserved', ...Array<string>(7).fill('tokenSpent')])
  })
}
