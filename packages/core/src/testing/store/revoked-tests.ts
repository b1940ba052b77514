import assert from 'node:assert/strict'
import { at, issuer, otherIssuer, readPages, readRevoked } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }

export function revokedTests(test: StoreTest): void {
  test('the revoked certificates of a scope are listed with revocation and notAfter, in the order of revocation', async ({
    store,
    fixture,
  }) => {
    const first = await fixture.issue({ notAfter: at(1000) })
    const second = await fixture.issue({ notAfter: at(2000) })
    const third = await fixture.reserve({ notAfter: at(3000) })
    await fixture.issue()
    const revocation = fixture.revocation('superseded', { invalidityDate: at(-5) })
    await store.revoke(second.id, revocation, [])
    await fixture.revoke(third.id)
    await fixture.revoke(first.id, 'certificateHold')
    assert.deepEqual(await readRevoked(store), [
      { serialNumber: second.id.serialNumber, revocation, notAfter: at(2000) },
      { serialNumber: third.id.serialNumber, revocation: fixture.revocation(), notAfter: at(3000) },
      { serialNumber: first.id.serialNumber, revocation: fixture.revocation('certificateHold'), notAfter: at(1000) },
    ])
  })

  test('scopes are separate: by issuer and by shard', async ({ store, fixture }) => {
    const here = await fixture.issue()
    const otherShard = await fixture.issue({ shard: 1 })
    const otherKey = await fixture.issue({ id: fixture.id(otherIssuer) })
    for (const { id } of [here, otherShard, otherKey]) await fixture.revoke(id)
    const serials = async (issuerKeyId: string, shard: number) =>
      (await readRevoked(store, { issuerKeyId, shard })).map(entry => entry.serialNumber)
    assert.deepEqual(await serials(issuer, 0), [here.id.serialNumber])
    assert.deepEqual(await serials(issuer, 1), [otherShard.id.serialNumber])
    assert.deepEqual(await serials(otherIssuer, 0), [otherKey.id.serialNumber])
    assert.deepEqual(await serials(otherIssuer, 1), [])
  })

  test('a released certificate is not listed, one that is held again is', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    await fixture.revoke(id, 'certificateHold')
    await store.release(id, [])
    assert.deepEqual(await readRevoked(store), [])
    await fixture.revoke(id, 'superseded')
    assert.deepEqual(
      (await readRevoked(store)).map(entry => entry.revocation.reason),
      ['superseded'],
    )
  })

  test('pages hold each once while others are revoked, released, held again and revoked for good', async ({
    store,
    fixture,
  }) => {
    const issued = await Promise.all(Array.from({ length: 20 }, () => fixture.issue()))
    const before = issued.slice(0, 10)
    for (const { id } of before) await fixture.revoke(id, 'certificateHold')
    const listed = await readPages(
      page => store.revoked(scope, page),
      3,
      async page => {
        await fixture.revoke(issued[9 + page]!.id)
        // One that was on a page already, and one that was not yet.
        for (const { id } of [before[page - 1]!, before[10 - page]!]) {
          await store.release(id, [])
          await store.revoke(id, fixture.revocation('certificateHold'), [])
          await store.revoke(id, fixture.revocation('keyCompromise'), [])
        }
      },
    )
    const serials = listed.map(entry => entry.serialNumber)
    assert.equal(new Set(serials).size, serials.length, 'no certificate may be listed twice')
    for (const { id } of before) assert(serials.includes(id.serialNumber), 'every certificate must be listed')
  })

  test('a page of exactly the limit is the last one when nothing follows', async ({ store, fixture }) => {
    for (let count = 0; count < 4; count++) await fixture.revoke((await fixture.issue()).id)
    const first = await store.revoked(scope, { limit: 2 })
    const second = await store.revoked(scope, { after: first.next!, limit: 2 })
    assert.deepEqual([first.items.length, second.items.length, 'next' in second], [2, 2, false])
  })

  test('a cursor that this store did not give out is refused', async ({ store }) => {
    for (const after of ['x', '-1', '1.2.3', ' 1']) {
      await assert.rejects(store.revoked(scope, { after, limit: 1 }), { code: 'ERR_PKI_CURSOR' })
    }
  })
}
