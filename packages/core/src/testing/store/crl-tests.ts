import assert from 'node:assert/strict'
import { at, days, inputOf, issuer, otherIssuer } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }
const otherShard = { issuerKeyId: issuer, shard: 1 }
const otherKey = { issuerKeyId: otherIssuer, shard: 0 }

export function crlTests(test: StoreTest): void {
  test('CRL numbers begin at 1 and rise per scope', async ({ store }) => {
    assert.equal(await store.nextCrlNumber(scope), 1n)
    assert.equal(await store.nextCrlNumber(scope), 2n)
    assert.equal(await store.nextCrlNumber(otherShard), 1n)
    assert.equal(await store.nextCrlNumber(otherKey), 1n)
    assert.equal(await store.nextCrlNumber(scope), 3n)
  })

  test('CRL numbers are given out once, however many ask', async ({ store }) => {
    const numbers = await Promise.all(Array.from({ length: 20 }, () => store.nextCrlNumber(scope)))
    assert.equal(new Set(numbers).size, 20)
  })

  test('a CRL comes back exactly as it went in, in its parts', async ({ store, fixture }) => {
    assert.equal(await store.crl(scope), undefined)
    const crl = fixture.crl(1n, {
      thisUpdate: at(10),
      nextUpdate: days(7),
      parts: [fixture.octets(1024 * 1024), fixture.octets(100), fixture.octets(1)],
    })
    const event = fixture.event('crlPublished', { details: { crlNumber: 1 } })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.putCrl(scope, crl, undefined, [event]), true)
    })
    assert.deepEqual(await store.crl(scope), crl)
    assert.equal(await store.crl(otherShard), undefined)
    assert.deepEqual(appended.map(inputOf), [event])
  })

  test('a CRL is replaced by one of a greater number only', async ({ store, fixture }) => {
    const fifth = fixture.crl(5n, { parts: [fixture.octets(), fixture.octets()] })
    await store.putCrl(scope, fifth, undefined, [])
    const appended = await fixture.appended(async () => {
      assert.equal(await store.putCrl(scope, fixture.crl(4n), undefined, [fixture.event('crlPublished')]), false)
      assert.equal(await store.putCrl(scope, fixture.crl(5n), undefined, [fixture.event('crlPublished')]), false)
      for (const parts of [fifth.parts.slice(0, 1), [...fifth.parts, fixture.octets()]]) {
        assert.equal(await store.putCrl(scope, { ...fifth, parts }, undefined, [fixture.event('crlPublished')]), false)
      }
    })
    assert.deepEqual(appended, [])
    assert.deepEqual(await store.crl(scope), fifth)
    const tenth = fixture.crl(10n)
    assert.equal(await store.putCrl(scope, tenth, undefined, []), true)
    assert.deepEqual(await store.crl(scope), tenth)
  })

  test('the very CRL that is there is put again without a second event', async ({ store, fixture }) => {
    const crl = fixture.crl(1n)
    const appended = await fixture.appended(async () => {
      assert.equal(await store.putCrl(scope, crl, undefined, [fixture.event('crlPublished')]), true)
      assert.equal(await store.putCrl(scope, crl, undefined, [fixture.event('crlPublished')]), true)
    })
    assert.equal(appended.length, 1)
  })

  test('the next CRL number is above every number that was put', async ({ store, fixture }) => {
    await store.putCrl(scope, fixture.crl(41n), undefined, [])
    assert.equal(await store.nextCrlNumber(scope), 42n)
    await store.putCrl(scope, fixture.crl(50n), undefined, [])
    assert.equal(await store.nextCrlNumber(scope), 51n)
    await store.putCrl(scope, fixture.crl(51n), undefined, [])
    assert.equal(await store.nextCrlNumber(scope), 52n)
  })

  test('a part of more than 1 MiB is refused', async ({ store, fixture }) => {
    const crl = fixture.crl(1n, { parts: [new Uint8Array(1024 * 1024 + 1)] })
    await assert.rejects(store.putCrl(scope, crl, undefined, []), RangeError)
    assert.equal(await store.crl(scope), undefined)
  })
}
