import assert from 'node:assert/strict'
import { at, sha256 } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function tokenTests(test: StoreTest): void {
  test('a token is spent once', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token)
    await fixture.reserve({ tokenHash: token.hash })
    const appended = await fixture.appended(async () => {
      const again = fixture.reservation({ tokenHash: token.hash })
      assert.equal(await store.reserve(again, [fixture.event('issuing')]), 'tokenSpent')
      assert.equal(await store.certificate(again.id), undefined)
    })
    assert.deepEqual(appended, [])
  })

  test('a spent token stays spent when it is added again', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token)
    await store.addToken(token)
    await fixture.reserve({ tokenHash: token.hash })
    await store.addToken(token)
    assert.equal(await store.reserve(fixture.reservation({ tokenHash: token.hash }), []), 'tokenSpent')
  })

  test('a token that is unknown, expired or for another device is refused', async ({ store, fixture }) => {
    const expired = fixture.token('device-1', { expiresAt: at(0) })
    const foreign = fixture.token('device-2')
    await store.addToken(expired)
    await store.addToken(foreign)
    for (const tokenHash of [sha256('unknown'), expired.hash, foreign.hash]) {
      assert.equal(await store.reserve(fixture.reservation({ tokenHash }), []), 'tokenSpent')
    }
    await fixture.reserve({ deviceId: 'device-2', tokenHash: foreign.hash })
  })

  test('a token is good until the moment it expires', async ({ store, fixture }) => {
    const token = fixture.token('device-1', { expiresAt: at(1) })
    await store.addToken(token)
    await fixture.reserve({ tokenHash: token.hash, createdAt: new Date(at(1).getTime() - 1) })
  })

  test('a refused reservation does not spend its token', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token)
    const live = await fixture.issue()
    const taken = fixture.reservation({ id: live.id, tokenHash: token.hash })
    assert.equal(await store.reserve(taken, []), 'serialTaken')
    const second = fixture.reservation({ tokenHash: token.hash, expect: 'newDevice' })
    assert.equal(await store.reserve(second, []), 'expectationFailed')
    await fixture.reserve({ tokenHash: token.hash })
  })

  test('a token does not outlive the revocation of its device; one made later is good', async ({ store, fixture }) => {
    const before = fixture.token()
    await store.addToken(before)
    await store.revokeDevice('device-1', fixture.revocation(), fixture.event('revoked'))
    assert.equal(await store.reserve(fixture.reservation({ tokenHash: before.hash }), []), 'deviceClosed')
    const after = fixture.token()
    await store.addToken(after)
    await fixture.reserve({ tokenHash: after.hash, expect: 'newDevice' })
  })

  test('of many reservations at once, one gets the token', async ({ store, fixture }) => {
    const token = fixture.token()
    await store.addToken(token)
    const results = await Promise.all(
      Array.from({ length: 8 }, () => store.reserve(fixture.reservation({ tokenHash: token.hash }), [])),
    )
    assert.deepEqual(results.sort(), ['reserved', ...Array<string>(7).fill('tokenSpent')])
  })
}
