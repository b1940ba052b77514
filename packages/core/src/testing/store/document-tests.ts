import assert from 'node:assert/strict'
import { inputOf } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const one = new Uint8Array([1, 0, 255])
const two = new Uint8Array([2])

export function documentTests(test: StoreTest): void {
  test('a document is made, read and replaced by comparing versions', async ({ store, fixture }) => {
    assert.equal(await store.document('settings'), undefined)
    const event = fixture.event('settingsChanged')
    const appended = await fixture.appended(async () => {
      assert.equal(await store.putDocument('settings', one, 0, [event]), true)
    })
    assert.deepEqual(appended.map(inputOf), [event])
    assert.deepEqual(await store.document('settings'), { value: one, version: 1 })
    assert.equal(await store.putDocument('settings', two, 1, []), true)
    assert.deepEqual(await store.document('settings'), { value: two, version: 2 })
    assert.equal(await store.document('other'), undefined)
  })

  test('another version than the expected one is left alone', async ({ store, fixture }) => {
    await store.putDocument('settings', one, 0, [])
    const appended = await fixture.appended(async () => {
      for (const expected of [0, 2, 99]) {
        assert.equal(await store.putDocument('settings', two, expected, [fixture.event('settingsChanged')]), false)
      }
      assert.equal(await store.putDocument('absent', two, 1, [fixture.event('settingsChanged')]), false)
    })
    assert.deepEqual(appended, [])
    assert.deepEqual(await store.document('settings'), { value: one, version: 1 })
    assert.equal(await store.document('absent'), undefined)
  })

  test('the same put again is true without a second event', async ({ store, fixture }) => {
    const appended = await fixture.appended(async () => {
      for (let count = 0; count < 2; count++) {
        assert.equal(await store.putDocument('settings', one, 0, [fixture.event('settingsChanged')]), true)
      }
    })
    assert.equal(appended.length, 1)
    assert.equal((await store.document('settings'))?.version, 1)
  })

  test('of many puts at once, one wins', async ({ store }) => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => store.putDocument('settings', new Uint8Array([index]), 0, [])),
    )
    assert.deepEqual((await store.document('settings'))?.value, new Uint8Array([answers.indexOf(true)]))
    assert.equal(answers.filter(Boolean).length, 1)
  })

  test('an empty value is a value', async ({ store }) => {
    assert.equal(await store.putDocument('empty', new Uint8Array(0), 0, []), true)
    assert.deepEqual(await store.document('empty'), { value: new Uint8Array(0), version: 1 })
  })
}
