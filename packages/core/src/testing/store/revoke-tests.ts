import assert from 'node:assert/strict'
import { at, colonHex, inputOf, readRevoked } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function revokeTests(test: StoreTest): void {
  test('a revocation is kept with everything it says', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    const revocation = fixture.revocation('privilegeWithdrawn', {
      revocationDate: new Date(at(60).getTime() + 789),
      invalidityDate: at(-500),
    })
    const event = fixture.event('revoked', { certificate: id, details: { reason: 'privilegeWithdrawn' } })
    const appended = await fixture.appended(async () => {
      assert.deepEqual(await store.revoke(id, revocation, [event]), { revocation, created: true })
    })
    assert.deepEqual((await fixture.record(id)).revocation, revocation)
    assert.deepEqual(appended.map(inputOf), [event])
  })

  test('the first revocation wins', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    const first = fixture.revocation('cessationOfOperation')
    const second = fixture.revocation('superseded', { revocationDate: at(90) })
    const appended = await fixture.appended(async () => {
      await store.revoke(id, first, [fixture.event('revoked')])
      assert.deepEqual(await store.revoke(id, second, [fixture.event('revoked')]), {
        revocation: first,
        created: false,
      })
      assert.deepEqual(await store.revoke(id, fixture.revocation('certificateHold'), [fixture.event('held')]), {
        revocation: first,
        created: false,
      })
    })
    assert.equal(appended.length, 1)
    assert.deepEqual((await fixture.record(id)).revocation, first)
  })

  test('of many revocations at once, one is created and all answer it', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    const revocations = Array.from({ length: 8 }, (_, count) =>
      fixture.revocation('unspecified', { revocationDate: at(60 + count) }),
    )
    const answers = await Promise.all(revocations.map(revocation => store.revoke(id, revocation, [])))
    const winner = answers.find(answer => answer?.created)?.revocation
    assert.equal(answers.filter(answer => answer?.created).length, 1)
    for (const answer of answers) assert.deepEqual(answer?.revocation, winner)
    assert.deepEqual((await fixture.record(id)).revocation, winner)
  })

  test('a hold gives way to a final revocation, not to another hold', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    const hold = fixture.revocation('certificateHold')
    const final = fixture.revocation('affiliationChanged', { revocationDate: at(90) })
    const appended = await fixture.appended(async () => {
      assert.deepEqual(await store.revoke(id, hold, [fixture.event('held')]), { revocation: hold, created: true })
      const again = fixture.revocation('certificateHold', { revocationDate: at(70) })
      assert.deepEqual(await store.revoke(id, again, [fixture.event('held')]), { revocation: hold, created: false })
      assert.deepEqual(await store.revoke(id, final, [fixture.event('revoked')]), { revocation: final, created: true })
    })
    assert.deepEqual(
      appended.map(event => event.type),
      ['held', 'revoked'],
    )
    assert.deepEqual((await fixture.record(id)).revocation, final)
  })

  test('keyCompromise outweighs any other final reason, blocks the key, and keeps the first date', async context => {
    const { store, fixture } = context
    const { id, reservation } = await fixture.issue()
    const worse = fixture.revocation('keyCompromise', { revocationDate: at(90), invalidityDate: at(0) })
    const expected = { ...worse, revocationDate: at(60) }
    const appended = await fixture.appended(async () => {
      await fixture.revoke(id, 'cessationOfOperation')
      assert.deepEqual(await store.revoke(id, worse, [fixture.event('revoked')]), {
        revocation: expected,
        created: true,
      })
      for (const again of [worse, fixture.revocation('superseded')]) {
        const answer = await store.revoke(id, again, [fixture.event('revoked')])
        assert.deepEqual(answer, { revocation: expected, created: false })
      }
    })
    assert.equal(appended.length, 1)
    assert.deepEqual((await fixture.record(id)).revocation, expected)
    assert.equal((await readRevoked(store)).length, 1)
    const { publicKeyHash } = reservation
    assert.equal(await store.reserve(fixture.reservation({ deviceId: 'device-2', publicKeyHash }), []), 'keyBlocked')
  })

  test('revokeDevice for keyCompromise outweighs what ended the device before', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    const event = fixture.event('revoked')
    assert.deepEqual(await store.revokeDevice('device-1', fixture.revocation('unspecified'), event), [id])
    const worse = fixture.revocation('keyCompromise', { revocationDate: at(90) })
    assert.deepEqual(await store.revokeDevice('device-1', worse, event), [id])
    assert.deepEqual((await fixture.record(id)).revocation, { ...worse, revocationDate: at(60) })
    assert.deepEqual(await store.revokeDevice('device-1', worse, event), [])
  })

  test('revoking what is not there answers undefined and writes nothing', async ({ store, fixture }) => {
    const appended = await fixture.appended(async () => {
      assert.equal(await store.revoke(fixture.id(), fixture.revocation(), [fixture.event('revoked')]), undefined)
    })
    assert.deepEqual(appended, [])
  })

  test('release takes back a hold and nothing else', async ({ store, fixture }) => {
    const held = await fixture.issue()
    const revoked = await fixture.issue()
    const live = await fixture.issue()
    await fixture.revoke(held.id, 'certificateHold')
    await fixture.revoke(revoked.id)
    const event = fixture.event('released', { certificate: held.id })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.release(held.id, [event]), true)
      for (const id of [held.id, revoked.id, live.id, fixture.id()]) {
        assert.equal(await store.release(id, [fixture.event('released')]), false)
      }
    })
    assert.deepEqual(appended.map(inputOf), [event])
    assert.equal('revocation' in (await fixture.record(held.id)), false)
    assert.notEqual((await fixture.record(revoked.id)).revocation, undefined)
  })

  revokeDeviceTests(test)
}

function revokeDeviceTests(test: StoreTest): void {
  test('revokeDevice revokes all of a device that is not revoked for good, with an event for each', async ({
    store,
    fixture,
  }) => {
    const gone = await fixture.reserve({ holder: { instance: 'i', leaseUntil: at(1) } })
    await store.abandon(at(2))
    const issued = await fixture.issue()
    const reserved = await fixture.reserve()
    const pinned = fixture.pinned()
    await store.register(pinned, [])
    const held = await fixture.issue()
    await fixture.revoke(held.id, 'certificateHold')
    const revoked = await fixture.issue()
    await fixture.revoke(revoked.id, 'superseded')
    const foreign = await fixture.issue({ deviceId: 'device-2' })

    const revocation = fixture.revocation('privilegeWithdrawn', { revocationDate: at(90) })
    const event = fixture.event('revoked', { deviceId: 'device-1', details: { reason: 'privilegeWithdrawn' } })
    const derivedFrom = { ...event, certificate: fixture.id(), fingerprint: 'AA:BB' }
    let ids: readonly { serialNumber: string }[] = []
    const appended = await fixture.appended(async () => {
      ids = await store.revokeDevice('device-1', revocation, derivedFrom)
    })
    const ended = [gone, issued, reserved, pinned, held]
    const serials = ended.map(({ id }) => id.serialNumber).sort()
    assert.deepEqual(ids.map(id => id.serialNumber).sort(), serials)
    assert.deepEqual(appended.map(({ certificate }) => certificate!.serialNumber).sort(), serials)
    for (const { sequence: _, cursor: __, certificate, fingerprint, ...rest } of appended) {
      assert.deepEqual(rest, event)
      const record = await fixture.record(certificate!)
      assert.deepEqual(record.revocation, revocation)
      assert.equal(fingerprint, record.fingerprint && colonHex(record.fingerprint))
    }
    assert.equal((await fixture.record(revoked.id)).revocation?.reason, 'superseded')
    assert.equal((await fixture.record(foreign.id)).revocation, undefined)
  })

  test('revokeDevice again, or of a device that is not there, revokes nothing and writes nothing', async ({
    store,
    fixture,
  }) => {
    await fixture.issue()
    await store.revokeDevice('device-1', fixture.revocation(), fixture.event('revoked'))
    const appended = await fixture.appended(async () => {
      assert.deepEqual(await store.revokeDevice('device-1', fixture.revocation(), fixture.event('revoked')), [])
      assert.deepEqual(await store.revokeDevice('device-2', fixture.revocation(), fixture.event('revoked')), [])
    })
    assert.deepEqual(appended, [])
  })

  test('a device may be enrolled again after its revocation', async ({ store, fixture }) => {
    await fixture.issue()
    await store.revokeDevice('device-1', fixture.revocation(), fixture.event('revoked'))
    const again = await fixture.issue({ expect: 'newDevice' })
    assert.equal((await fixture.record(again.id)).revocation, undefined)
  })
}
