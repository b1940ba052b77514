import assert from 'node:assert/strict'
import { at, days, inputOf, issuer, otherIssuer } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }
const otherShard = { issuerKeyId: issuer, shard: 1 }
const delta = { issuerKeyId: issuer, shard: 0, delta: true }
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

  test('a CRL that was read is its reader’s, whatever he does with it', async ({ store, fixture }) => {
    const part = fixture.octets(100_000)
    const crl = fixture.crl(1n, { parts: [part] })
    await store.putCrl(scope, crl, undefined, [])
    for (let time = 0; time < 3; time += 1) {
      const [read] = (await store.crl(scope))!.parts
      // Not `deepEqual`, which takes minutes to say in what many octets differ.
      assert.equal(Buffer.compare(read!, part), 0)
      read!.fill(0)
    }
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

  test('the delta CRL is kept beside the full one, and the numbers are shared', async ({ store, fixture }) => {
    const full = fixture.crl(5n)
    const changes = fixture.crl(5n, { parts: [fixture.octets(), fixture.octets()] })
    await store.putCrl(scope, full, undefined, [])
    assert.equal(await store.crl(delta), undefined)
    assert.equal(await store.putCrl(delta, changes, undefined, []), true)
    assert.deepEqual(await store.crl(scope), full)
    assert.deepEqual(await store.crl(delta), changes)
    assert.deepEqual(await store.crl({ ...scope, delta: false }), full)
    assert.equal(await store.putCrl(delta, fixture.crl(5n), undefined, []), false)
    assert.equal(await store.putCrl(delta, fixture.crl(7n), undefined, []), true)
    assert.equal(await store.nextCrlNumber(scope), 8n)
    assert.equal(await store.putCrl(scope, fixture.crl(6n), undefined, []), true)
    assert.equal(await store.crl({ ...otherShard, delta: true }), undefined)
  })

  test('the state says what a CRL says without its octets', async ({ store, fixture }) => {
    const { position } = await store.crlState(scope)
    assert.deepEqual(await store.crlState(scope), { position })
    const full = fixture.crl(5n, { note: 'full: é' })
    const changes = fixture.crl(6n, { nextUpdate: days(1) })
    await store.putCrl(scope, full, undefined, [])
    await store.putCrl(delta, changes, undefined, [])
    assert.deepEqual(await store.crl(scope), full)
    const head = ({ parts: _, ...rest }: typeof full): object => rest
    assert.deepEqual(await store.crlState(scope), { position, full: head(full), delta: head(changes) })
    assert.deepEqual(Object.keys(await store.crlState(otherShard)), ['position'])
    const next = fixture.crl(7n)
    await store.putCrl(scope, next, undefined, [])
    assert.deepEqual((await store.crlState(scope)).full, head(next))
  })

  test('a CRL of many parts is read whole while it is replaced', async ({ store, fixture }) => {
    const crls = [1n, 2n, 3n].map(crlNumber =>
      fixture.crl(crlNumber, { parts: Array.from({ length: 11 }, () => fixture.octets(10)) }),
    )
    await store.putCrl(scope, crls[0]!, undefined, [])
    const [read] = await Promise.all([
      store.crl(scope),
      ...crls.slice(1).map(crl => store.putCrl(scope, crl, undefined, [])),
    ])
    assert.deepEqual(
      read,
      crls.find(({ crlNumber }) => crlNumber === read?.crlNumber),
    )
  })

  test('a part of more than 1 MiB is refused', async ({ store, fixture }) => {
    const crl = fixture.crl(1n, { parts: [new Uint8Array(1024 * 1024 + 1)] })
    await assert.rejects(store.putCrl(scope, crl, undefined, []), RangeError)
    assert.equal(await store.crl(scope), undefined)
  })
}
