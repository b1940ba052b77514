import assert from 'node:assert/strict'
import type { IoOptions } from '@fleetcert/x509'
import type { Store } from '../../store/store.ts'
import { at, days, type Fixture, issuer, readLedger, readPages, readRevoked, sha256 } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }

/** A call of every method that would change or answer something, over a store that `fill` has filled. */
function everyCall(
  store: Store,
  fixture: Fixture,
): readonly (readonly [string, (io?: IoOptions) => Promise<unknown>])[] {
  const id = fixture.id()
  const lease = { name: 'crl', fence: 1, until: at(0) }
  return [
    ['open', io => store.open(io)],
    ['reserve', io => store.reserve(fixture.reservation({ deviceId: 'call' }), [fixture.event()], io)],
    ['commit', io => store.commit(id, fixture.octets(), [fixture.event()], io)],
    ['abandon', io => store.abandon(days(100), io)],
    ['extendHolder', io => store.extendHolder('instance-1', days(200), io)],
    ['register', io => store.register(fixture.pinned({ deviceId: 'call' }), [fixture.event()], io)],
    ['certificate', io => store.certificate(id, io)],
    ['certificateStatus', io => store.certificateStatus(id, io)],
    ['certificates', io => store.certificates({ list: 'devices' }, { limit: 1 }, io)],
    ['supersede', io => store.supersede(id, at(5), fixture.event(), io)],
    ['revoke', io => store.revoke(id, fixture.revocation(), [fixture.event()], io)],
    ['revokeDevice', io => store.revokeDevice('device-1', fixture.revocation(), fixture.event(), io)],
    ['release', io => store.release(id, [fixture.event()], io)],
    ['revoked', io => store.revoked(scope, { limit: 1 }, io)],
    ['nextCrlNumber', io => store.nextCrlNumber(scope, io)],
    ['crlEntries', io => store.crlEntries(scope, {}, { limit: 1 }, io)],
    ['crlState', io => store.crlState(scope, io)],
    ['putCrl', io => store.putCrl(scope, fixture.crl(99n), undefined, [fixture.event()], io)],
    ['crl', io => store.crl(scope, io)],
    ['document', io => store.document('settings', io)],
    ['putDocument', io => store.putDocument('call', fixture.octets(), 0, [fixture.event()], io)],
    ['addToken', io => store.addToken(fixture.token(), [fixture.event()], io)],
    ['token', io => store.token(fixture.token().hash, io)],
    ['lease', io => store.lease('call', 'holder', 60, io)],
    ['releaseLease', io => store.releaseLease(lease, io)],
    ['ledger', io => store.ledger({ after: '', limit: 1 }, io)],
    ['newestEventAt', io => store.newestEventAt(io)],
    ['cursor', io => store.cursor('audit', io)],
    ['saveCursor', io => store.saveCursor('call', '', undefined, io)],
    ['prune', io => store.prune({ ledgerBefore: days(1000), certificatesExpiredBefore: days(1000) }, 100, io)],
  ]
}

/** Some of everything. */
async function fill(store: Store, fixture: Fixture): Promise<void> {
  const old = await fixture.issue({ owner: 'owner-1', attributes: { site: 'north' } })
  await fixture.issue({ expect: { supersedes: old.fingerprint, at: days(1) } })
  await fixture.revoke((await fixture.issue({ deviceId: 'revoked' })).id, 'keyCompromise')
  await fixture.revoke((await fixture.issue({ deviceId: 'held' })).id, 'certificateHold')
  await fixture.reserve({ deviceId: 'gone', holder: { instance: 'i', leaseUntil: at(1) } })
  await store.abandon(at(2))
  await fixture.reserve({ deviceId: 'reserved' })
  await store.register(fixture.pinned({ deviceId: 'pinned' }), [
    fixture.event('registered', { details: { pinned: true } }),
  ])
  await store.putCrl(scope, fixture.crl(3n), undefined, [fixture.event('crlPublished')])
  await store.putDocument('settings', fixture.octets(), 0, [fixture.event('settingsChanged')])
  const { next } = await store.ledger({ after: '', limit: 2 })
  await store.saveCursor('audit', next, undefined)
  assert.equal((await store.lease('crl', 'holder', 600))?.fence, 1)
}

/** Everything that a store answers. */
async function contents(store: Store): Promise<unknown> {
  const ids = ['device-1', 'revoked', 'held', 'gone', 'reserved', 'pinned', 'call']
  return {
    devices: await Promise.all(
      ids.map(deviceId => readPages(page => store.certificates({ list: 'device', deviceId }, page), 10)),
    ),
    newest: await readPages(page => store.certificates({ list: 'devices' }, page), 3),
    reserved: await readPages(page => store.certificates({ list: 'reserved' }, page), 3),
    revoked: await readRevoked(store),
    crl: await store.crl(scope),
    documents: [await store.document('settings'), await store.document('call')],
    ledger: await readLedger(store),
    newestEventAt: await store.newestEventAt(),
    cursors: [await store.cursor('audit'), await store.cursor('call')],
  }
}

export function lifecycleTests(test: StoreTest): void {
  test('open is idempotent', async ({ store, fixture }) => {
    await fill(store, fixture)
    const before = await contents(store)
    await store.open()
    await Promise.all([store.open(), store.open()])
    assert.deepEqual(await contents(store), before)
  })

  test('close is idempotent, and every call after it rejects', async ({ store, fixture }) => {
    await fill(store, fixture)
    await store.close()
    await store.close()
    await store[Symbol.asyncDispose]()
    for (const [name, call] of everyCall(store, fixture)) {
      await assert.rejects(call(), { code: 'ERR_PKI_CLOSED' }, name)
    }
  })

  test("a call with an aborted signal rejects with the signal's reason and changes nothing", async ({
    store,
    fixture,
  }) => {
    await fill(store, fixture)
    const before = await contents(store)
    const reason = new Error('given up')
    for (const [name, call] of everyCall(store, fixture)) {
      await assert.rejects(call({ signal: AbortSignal.abort(reason) }), (error: unknown) => error === reason, name)
    }
    assert.deepEqual(await contents(store), before)
    assert.notEqual(await store.lease('call', 'another', 60), undefined)
    assert.equal(await store.nextCrlNumber(scope), 4n)
  })

  test("what went in and what came out is the caller's own", async ({ store, fixture }) => {
    const reservation = fixture.reservation({ attributes: { site: 'north' } })
    const kept = structuredClone(reservation)
    const details: Record<string, string> = { a: 'b' }
    await store.reserve(reservation, [fixture.event('issuing', { details })])
    const spoil = (record: {
      publicKeyHash: Uint8Array
      notAfter: Date
      attributes?: Record<string, string>
    }): void => {
      record.publicKeyHash.fill(0)
      record.notAfter.setTime(0)
      record.attributes!['site'] = 'south'
    }
    spoil(reservation as never)
    reservation.tbsCertificate.fill(0)
    details['a'] = 'c'
    const record = await fixture.record(reservation.id)
    spoil(record as never)
    record.tbsCertificate!.fill(0)
    const { expect: _, ...expected } = kept
    assert.deepEqual(await store.certificate(reservation.id), { ...expected, state: 'reserved' })
    assert.deepEqual((await readLedger(store))[0]?.details, { a: 'b' })

    const der = fixture.octets()
    const fingerprint = sha256(der)
    await store.commit(reservation.id, der, [])
    der.fill(0)
    assert.deepEqual(sha256((await store.certificate({ fingerprint }))!.der!), fingerprint)

    const value = new Uint8Array([1, 2, 3])
    await store.putDocument('settings', value, 0, [])
    value.fill(0)
    ;(await store.document('settings'))!.value.fill(0)
    assert.deepEqual((await store.document('settings'))?.value, new Uint8Array([1, 2, 3]))
  })

  test('octets come back as plain Uint8Array, whatever they went in as', async ({ store, fixture }) => {
    const { id, der } = await fixture.issue({ tbsCertificate: Buffer.from('tbs'), publicKeyHash: Buffer.alloc(32, 1) })
    await store.putDocument('settings', Buffer.from('value'), 0, [])
    const record = await fixture.record(id)
    for (const octets of [
      record.der!,
      record.publicKeyHash,
      record.fingerprint!,
      (await store.document('settings'))!.value,
    ]) {
      assert.equal(Object.getPrototypeOf(octets), Uint8Array.prototype)
    }
    assert.deepEqual(record.der, der)
  })

  test.reopen('everything is there after a restart', async ({ store, fixture, reopen }) => {
    await fill(store, fixture)
    const token = fixture.token('token-device')
    const spent = fixture.token('token-device')
    await store.addToken(token, [])
    await store.addToken(spent, [])
    await fixture.reserve({ deviceId: 'token-device', tokenHash: spent.hash })
    const compromised = (await store.certificates({ list: 'device', deviceId: 'revoked' }, { limit: 1 })).items[0]!
    const before = await contents(store)
    const again = await reopen()
    assert.deepEqual(await contents(again), before)
    assert.equal(await again.lease('crl', 'another', 60), undefined)
    assert.equal(await again.nextCrlNumber(scope), 4n)
    const reservation = (tokenHash: Uint8Array) => fixture.reservation({ deviceId: 'token-device', tokenHash })
    assert.equal(await again.reserve(reservation(spent.hash), []), 'tokenSpent')
    assert.equal(await again.reserve(reservation(token.hash), []), 'reserved')
    const { publicKeyHash } = compromised
    assert.equal(await again.reserve(fixture.reservation({ publicKeyHash }), []), 'keyBlocked')
  })

  test.reopen('a reservation survives a restart, and its commit counts', async ({ store, fixture, reopen }) => {
    const old = await fixture.issue()
    const renewal = await fixture.reserve({ expect: { supersedes: old.fingerprint, at: days(1) } })
    const void_ = await fixture.reserve({ deviceId: 'device-2' })
    await store.revokeDevice('device-2', fixture.revocation('certificateHold'), fixture.event('held'))
    const again = await reopen()
    assert.equal(await again.reserve(renewal, []), 'reserved')
    assert.equal(await again.commit(renewal.id, fixture.octets(), []), 'committed')
    assert.deepEqual((await again.certificate(old.id))?.supersededAt, days(1))
    assert.equal(await again.release(void_.id, []), true)
    assert.equal(await again.commit(void_.id, fixture.octets(), []), 'lost')
  })
}
