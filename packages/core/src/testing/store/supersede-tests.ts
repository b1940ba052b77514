import assert from 'node:assert/strict'
import { at, colonHex, days, type Issued, inputOf, sha256 } from './fixture.ts'
import type { StoreTest, StoreTestContext } from './store-test.ts'

/** A certificate and those that have renewed it, one after the other, each ending the one before at `ends`. */
async function chain(
  { fixture }: StoreTestContext,
  ends: readonly Date[],
  deviceId = 'device-1',
): Promise<readonly Issued[]> {
  const issued = [await fixture.issue({ deviceId })]
  for (const end of ends) {
    issued.push(await fixture.issue({ deviceId, expect: { supersedes: issued.at(-1)!.fingerprint, at: end } }))
  }
  return issued
}

export function supersedeTests(test: StoreTest): void {
  test('supersede brings forward the ends of all that came before, each with its event', async context => {
    const { store, fixture } = context
    const [first, second, third, fourth] = await chain(context, [days(9), days(8), days(7)])
    const event = fixture.event('superseded', { deviceId: 'device-1', details: { by: 'third' } })
    const appended = await fixture.appended(async () => {
      assert.deepEqual(await store.supersede(third!.id, days(1), event), [first!.id, second!.id])
    })
    assert.deepEqual(
      appended.map(inputOf),
      [first, second].map(old => ({ ...event, certificate: old!.id, fingerprint: colonHex(old!.fingerprint) })),
    )
    const ends = await Promise.all(
      [first, second, third, fourth].map(async own => (await fixture.record(own!.id)).supersededAt),
    )
    assert.deepEqual(ends, [days(1), days(1), days(7), undefined])
  })

  test('supersede again, or later, changes nothing', async context => {
    const { store, fixture } = context
    const [first, second] = await chain(context, [days(9)])
    assert.deepEqual(await store.supersede(second!.id, days(1), fixture.event('superseded')), [first!.id])
    const appended = await fixture.appended(async () => {
      for (const end of [days(1), days(2)]) {
        assert.deepEqual(await store.supersede(second!.id, end, fixture.event('superseded')), [])
      }
    })
    assert.deepEqual(appended, [])
    assert.deepEqual((await fixture.record(first!.id)).supersededAt, days(1))
    assert.deepEqual(await store.supersede(second!.id, at(5), fixture.event('superseded')), [first!.id])
    assert.deepEqual((await fixture.record(first!.id)).supersededAt, at(5))
  })

  test('supersede ends nothing that was not superseded, and nothing of another device', async context => {
    const { store, fixture } = context
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    const [other] = await chain(context, [days(9)], 'device-2')
    const reserved = await fixture.reserve()
    const [first, second] = await chain(context, [days(9)])
    assert.deepEqual(await store.supersede(second!.id, at(5), fixture.event('superseded')), [first!.id])
    assert.equal((await fixture.record(pinned.id)).supersededAt, undefined)
    assert.equal((await fixture.record(reserved.id)).supersededAt, undefined)
    assert.deepEqual((await fixture.record(other!.id)).supersededAt, days(9))
  })

  test('supersede: a certificate that is revoked, held, reserved, unknown or of no device ends nothing', async context => {
    const { store, fixture } = context
    const appended: unknown[] = []
    const refused = async (id: Issued['id']): Promise<void> => {
      appended.push(
        ...(await fixture.appended(async () => {
          assert.deepEqual(await store.supersede(id, at(5), fixture.event('superseded')), [])
        })),
      )
    }
    const [first, second] = await chain(context, [days(9)])
    await fixture.revoke(second!.id, 'certificateHold')
    await refused(second!.id)
    await fixture.revoke(second!.id, 'cessationOfOperation')
    await refused(second!.id)
    const reserved = await fixture.reserve({ expect: { supersedes: first!.fingerprint, at: days(8) } })
    await refused(reserved.id)
    await refused(fixture.id())
    const { deviceId: _, ...server } = fixture.reservation({ role: 'server' })
    await store.reserve(server, [])
    await store.commit(server.id, fixture.octets(), [])
    await refused(server.id)
    assert.deepEqual(appended, [])
    assert.deepEqual((await fixture.record(first!.id)).supersededAt, days(9))
  })

  test('supersede ends what is held or revoked, too: a hold that is lifted lets nothing back in', async context => {
    const { store, fixture } = context
    const [first, second] = await chain(context, [days(9)])
    await fixture.revoke(first!.id, 'certificateHold')
    assert.deepEqual(await store.supersede(second!.id, at(5), fixture.event('superseded')), [first!.id])
    assert.equal(await store.release(first!.id, []), true)
    assert.deepEqual((await fixture.record(first!.id)).supersededAt, at(5))
  })

  test('supersede: a pinned certificate can be what is used', async context => {
    const { store, fixture } = context
    const [first] = await chain(context, [days(9)])
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    assert.deepEqual(await store.supersede(pinned.id, at(5), fixture.event('superseded')), [first!.id])
  })

  test('supersede stands in the way of no renewal', async context => {
    const { store, fixture } = context
    const [, second] = await chain(context, [days(9)])
    const renewal = await fixture.reserve({ expect: { supersedes: second!.fingerprint, at: days(9) } })
    await store.supersede(second!.id, at(5), fixture.event('superseded'))
    const der = fixture.octets()
    assert.equal(await store.commit(renewal.id, der, []), 'committed')
    assert.deepEqual((await store.certificate({ fingerprint: sha256(der) }))?.id, renewal.id)
    assert.equal((await store.supersede(renewal.id, at(6), fixture.event('superseded'))).length, 1)
  })

  test.second('two handles: each certificate is superseded by one call', async ({ store, second, fixture }) => {
    const [first, newest] = await chain({ store, fixture }, [days(9)])
    const event = fixture.event('superseded')
    const appended = await fixture.appended(async () => {
      const moved = await Promise.all(
        Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? store : second).supersede(newest!.id, at(5), event)),
      )
      assert.deepEqual(moved.flat(), [first!.id])
    })
    assert.equal(appended.length, 1)
  })
}
