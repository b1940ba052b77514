import assert from 'node:assert/strict'
import { at, days } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

export function statusTests(test: StoreTest): void {
  test('of what nobody knows there is none', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    assert.equal(await store.certificateStatus(fixture.id()), undefined)
    assert.equal(await store.certificateStatus({ ...id, issuerKeyId: fixture.id().serialNumber.repeat(2) }), undefined)
  })

  test('it is the state, and the revocation if there is one, as the record says', async ({ store, fixture }) => {
    const issued = await fixture.issue({ deviceId: 'issued' })
    const revoked = await fixture.issue({ deviceId: 'revoked' })
    const held = await fixture.issue({ deviceId: 'held' })
    const released = await fixture.issue({ deviceId: 'released' })
    const open = await fixture.reserve({ deviceId: 'open' })
    const ended = await fixture.reserve({ deviceId: 'ended', holder: { instance: 'i', leaseUntil: at(1) } })
    const pinned = fixture.pinned({ deviceId: 'pinned' })
    await store.register(pinned, [fixture.event('registered')])
    const invalidityDate = days(-1)
    await store.revoke(revoked.id, { ...fixture.revocation('keyCompromise'), invalidityDate }, [
      fixture.event('revoked'),
    ])
    await fixture.revoke(held.id, 'certificateHold')
    await fixture.revoke(released.id, 'certificateHold')
    assert.equal(await store.release(released.id, [fixture.event('released')]), true)
    await fixture.revoke(ended.id, 'superseded')
    await store.abandon(at(2))

    const states: string[] = []
    for (const { id } of [issued, revoked, held, released, open, ended, pinned]) {
      const status = await store.certificateStatus(id)
      assert.ok(status)
      const record = await store.certificate(id)
      const { state, revocation } = record!
      assert.deepEqual(status, revocation === undefined ? { state } : { state, revocation })
      states.push(`${status.state} ${status.revocation?.reason ?? 'good'}`)
    }
    assert.deepEqual(states, [
      'issued good',
      'issued keyCompromise',
      'issued certificateHold',
      'issued good',
      'reserved good',
      'abandoned superseded',
      'pinned good',
    ])
  })

  test('what comes out is the caller’s own', async ({ store, fixture }) => {
    const { id } = await fixture.issue()
    await fixture.revoke(id, 'superseded')
    const first = await store.certificateStatus(id)
    first!.revocation!.revocationDate.setTime(0)
    assert.notEqual((await store.certificateStatus(id))!.revocation!.revocationDate.getTime(), 0)
  })
}
