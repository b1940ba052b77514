import assert from 'node:assert/strict'
import type { CertificateId, EndedCertificate, RevocationQuery, Store } from '../../store/store.ts'
import { at, colonHex, days, type Fixture, type Issued, inputOf, issuer, readPages, sha256 } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const owner: RevocationQuery = { list: 'owner', owner: 'alice' }
const key: RevocationQuery = { list: 'key', publicKeyHash: sha256('shared key') }
const attribute: RevocationQuery = { list: 'attribute', name: 'batch', value: '17' }
const created: RevocationQuery = { list: 'created', from: at(10), before: at(20) }
/** What a certificate is made with so that each of them finds it. */
const found = {
  owner: 'alice',
  attributes: { site: 'north', batch: '17' },
  publicKeyHash: sha256('shared key'),
  createdAt: at(15),
}
/** Near misses: a certificate that is made with these is found by none. */
const missed = [
  { owner: 'alic', attributes: { batch: '170' }, createdAt: at(20) },
  { owner: 'Alice', attributes: { batc: '17' }, createdAt: new Date(at(10).getTime() - 1) },
  { owner: 'bob', attributes: { '17': 'batch', 'batch":"17': 'x', site: '{"batch":"17"}' }, createdAt: at(9) },
] as const
const queries: readonly RevocationQuery[] = [key, owner, attribute, created]

const serials = (items: readonly { readonly id: CertificateId }[]): readonly string[] =>
  items.map(({ id }) => id.serialNumber)

/** All pages, each of `limit` rows. */
function endAll(
  store: Store,
  fixture: Fixture,
  query: RevocationQuery,
  limit = 2,
): Promise<readonly EndedCertificate[]> {
  return readPages(
    page => store.revokeAll(query, fixture.revocation('privilegeWithdrawn'), fixture.event('revoked'), page),
    limit,
  )
}

export function revokeAllTests(test: StoreTest): void {
  for (const query of queries) {
    test(`by ${query.list}: what matches is listed in every state, oldest first, and nothing else`, async context => {
      const { store, fixture } = context
      for (const subject of missed) await fixture.issue(subject)
      const gone = await fixture.reserve({ ...found, holder: { instance: 'i', leaseUntil: at(1) } })
      await store.abandon(at(2))
      await fixture.issue(missed[0])
      const issued = await fixture.issue({ ...found, deviceId: 'device-2' })
      const pinned = fixture.pinned(found)
      await store.register(pinned, [])
      const revoked = await fixture.issue(found)
      await fixture.revoke(revoked.id)
      const { deviceId: _, ...server } = fixture.reservation({ ...found, role: 'server' })
      await store.reserve(server, [])
      const expected = serials([gone, issued, pinned, revoked, server])
      for (const limit of [1, 2, 5, 100]) {
        const listed = await readPages(page => store.certificates(query, page), limit)
        assert.deepEqual(serials(listed), expected)
        assert.deepEqual(listed[1], await store.certificate(issued.id))
      }
    })

    test(`by ${query.list}: what is not revoked yet is, page by page, with an event for each`, async context => {
      const { store, fixture } = context
      const other = await fixture.issue(missed[0])
      const issued = await fixture.issue({ ...found, deviceId: 'device-2' })
      const final = await fixture.issue(found)
      await fixture.revoke(final.id, 'superseded')
      const held = await fixture.issue(found)
      await fixture.revoke(held.id, 'certificateHold')
      const reserved = await fixture.reserve(found)
      const { deviceId: _, ...server } = fixture.reservation({ ...found, role: 'server' })
      await store.reserve(server, [])
      const event = fixture.event('revoked', { details: { reason: 'privilegeWithdrawn', page: 'x' } })
      const revocation = fixture.revocation('privilegeWithdrawn', { revocationDate: at(90), invalidityDate: at(1) })
      let ended: readonly EndedCertificate[] = []
      const appended = await fixture.appended(async () => {
        ended = await readPages(page => store.revokeAll(query, revocation, { ...event, fingerprint: 'AA' }, page), 2)
      })
      assert.deepEqual(ended, [
        { id: issued.id, deviceId: 'device-2' },
        { id: held.id, deviceId: 'device-1' },
        { id: reserved.id, deviceId: 'device-1' },
        { id: server.id },
      ])
      const fingerprint = (octets: Uint8Array) => ({ fingerprint: colonHex(octets) })
      assert.deepEqual(appended.map(inputOf), [
        { ...event, certificate: issued.id, deviceId: 'device-2', ...fingerprint(issued.fingerprint) },
        { ...event, certificate: held.id, deviceId: 'device-1', ...fingerprint(held.fingerprint) },
        { ...event, certificate: reserved.id, deviceId: 'device-1' },
        { ...event, certificate: server.id },
      ])
      for (const { id } of ended) assert.deepEqual((await fixture.record(id)).revocation, revocation)
      assert.equal((await fixture.record(final.id)).revocation?.reason, 'superseded')
      assert.equal((await fixture.record(other.id)).revocation, undefined)
      assert.equal(await store.commit(reserved.id, fixture.octets(), []), 'revoked')
    })

    test(`by ${query.list}: a page again, or all of them, ends nothing and writes nothing`, async context => {
      const { store, fixture } = context
      for (let count = 0; count < 3; count++) await fixture.issue(found)
      const first = await store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), { limit: 2 })
      assert.equal(first.items.length, 2)
      const appended = await fixture.appended(async () => {
        const again = await store.revokeAll(query, fixture.revocation('superseded'), fixture.event('revoked'), {
          limit: 2,
        })
        // Work is bounded by what is looked at, not by what is found.
        assert.deepEqual(again, { items: [], next: first.next })
      })
      assert.deepEqual(appended, [])
      const last = await store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), {
        after: first.next!,
        limit: 2,
      })
      assert.equal(last.items.length, 1)
      assert.equal('next' in last, false)
      assert.deepEqual(await endAll(store, fixture, query), [])
    })

    test(`by ${query.list}: what comes while pages are worked through comes last`, async ({ store, fixture }) => {
      const issued = [await fixture.issue(found), await fixture.issue(found), await fixture.issue(found)]
      const ended = await readPages(
        page => store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), page),
        2,
        async () => issued.push(await fixture.issue(found)),
      )
      assert.deepEqual(serials(ended), serials(issued))
    })

    test(`by ${query.list}: what was pruned is not found, and nothing stands in its place`, async context => {
      const { store, fixture } = context
      const kept = await fixture.issue(found)
      for (let count = 0; count < 3; count++) await fixture.issue({ ...found, notAfter: at(100) })
      const { next } = await store.certificates(query, { limit: 2 })
      assert.equal(await store.prune({ certificatesExpiredBefore: days(1) }, 10), 3)
      const later = await fixture.issue(found)
      const listed = await readPages(page => store.certificates(query, page), 10)
      assert.deepEqual(serials(listed), serials([kept, later]))
      const rest = await store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), {
        after: next!,
        limit: 10,
      })
      assert.deepEqual(serials(rest.items), [later.id.serialNumber])
    })

    test(`by ${query.list}: a cursor that this store did not give out ends nothing`, async ({ store, fixture }) => {
      const { id } = await fixture.issue(found)
      const prefix = query.list === 'created' ? `${at(15).getTime()}.` : ''
      const cursors = ['x', '-1', ' 1', '1.2.3', '1e3', `${prefix}x`, `${prefix}999999`, `${prefix}999999999999999`]
      for (const after of cursors) {
        const page = { after, limit: 1 }
        const call = store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), page)
        await assert.rejects(call, { code: 'ERR_PKI_CURSOR' }, after)
      }
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        const call = store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), { limit })
        await assert.rejects(call, RangeError)
      }
      assert.equal((await fixture.record(id)).revocation, undefined)
    })

    test.reopen(`by ${query.list}: goes on after a restart`, async ({ store, fixture, reopen }) => {
      const issued = [await fixture.issue(found), await fixture.issue(found), await fixture.issue(found)]
      const { next } = await store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), { limit: 2 })
      const again = await reopen()
      assert.notEqual((await again.certificate(issued[1]!.id))?.revocation, undefined)
      const last = await again.revokeAll(query, fixture.revocation(), fixture.event('revoked'), {
        after: next!,
        limit: 2,
      })
      assert.deepEqual(serials(last.items), [issued[2]!.id.serialNumber])
    })

    test.second(`by ${query.list}: two handles end each certificate once`, async ({ store, second, fixture }) => {
      const issued: Issued[] = []
      for (let count = 0; count < 12; count++) issued.push(await fixture.issue(found))
      const appended = await fixture.appended(async () => {
        const ended = await Promise.all([endAll(store, fixture, query, 3), endAll(second, fixture, query, 3)])
        assert.deepEqual(serials(ended.flat()).toSorted(), serials(issued).toSorted())
      })
      assert.equal(appended.length, 12)
    })
  }

  specificTests(test)
  blockKeyTests(test)
}

function specificTests(test: StoreTest): void {
  test('keyCompromise outweighs other reasons, keeps their date, and blocks the keys of a page', async context => {
    const { store, fixture } = context
    const first = await fixture.issue({ owner: 'alice' })
    await fixture.revoke(first.id, 'superseded')
    const second = await fixture.issue({ owner: 'alice' })
    const worse = fixture.revocation('keyCompromise', { revocationDate: at(90) })
    const ended = await store.revokeAll(owner, worse, fixture.event('revoked'), { limit: 10 })
    assert.deepEqual(serials(ended.items), serials([first, second]))
    assert.deepEqual((await fixture.record(first.id)).revocation, { ...worse, revocationDate: at(60) })
    assert.deepEqual((await fixture.record(second.id)).revocation, worse)
    for (const { reservation } of [first, second]) {
      const { publicKeyHash } = reservation
      assert.equal(await store.reserve(fixture.reservation({ deviceId: 'device-2', publicKeyHash }), []), 'keyBlocked')
    }
  })

  test('a page of held certificates may be released again, one by one', async ({ store, fixture }) => {
    const { id } = await fixture.issue({ owner: 'alice' })
    await store.revokeAll(owner, fixture.revocation('certificateHold'), fixture.event('held'), { limit: 10 })
    assert.equal(await store.release(id, [fixture.event('released')]), true)
    assert.equal((await fixture.record(id)).revocation, undefined)
  })

  test('the CAs of the fleet are passed over', async ({ store, fixture }) => {
    const { deviceId: _, ...subject } = fixture.reservation(found)
    const roles = ['root', 'issuingCa', 'ocspResponder'] as const
    const ids = []
    for (const role of roles) {
      const own = { ...subject, role, id: fixture.id() }
      await store.reserve(own, [])
      await store.commit(own.id, fixture.octets(), [])
      ids.push(own.id)
    }
    for (const query of [owner, attribute, created, key]) await endAll(store, fixture, query)
    for (const id of ids.slice(0, 2)) assert.equal((await fixture.record(id)).revocation, undefined)
    assert.deepEqual(await store.certificates(created, { limit: 10 }), { items: [] })
  })

  test('by owner and attribute the devices are closed: tokens are void, and what was begun is lost', async context => {
    const { store, fixture } = context
    for (const [query, subject] of [
      [owner, { owner: 'alice' }],
      [attribute, { attributes: { batch: '17' } }],
    ] as const) {
      const deviceId = `of-${query.list}`
      await fixture.issue({ deviceId, ...subject })
      const token = fixture.token(deviceId)
      await store.addToken(token, [])
      const begun = await fixture.reserve({ deviceId, owner: 'bob' })
      await endAll(store, fixture, query)
      assert.equal(await store.commit(begun.id, fixture.octets(), []), 'lost')
      const again = fixture.reservation({ deviceId, expect: 'newDevice', createdAt: at(100), tokenHash: token.hash })
      assert.equal(await store.reserve(again, []), 'deviceClosed')
    }
  })

  test('by owner the devices of which nothing ends stay as they are', async ({ store, fixture }) => {
    const { id } = await fixture.issue({ owner: 'alice' })
    await fixture.revoke(id)
    const token = fixture.token('device-1')
    await store.addToken(token, [])
    await endAll(store, fixture, owner)
    const again = fixture.reservation({ expect: 'newDevice', tokenHash: token.hash })
    assert.equal(await store.reserve(again, []), 'reserved')
  })

  test('by key and by date it is about certificates: the devices stay open', async ({ store, fixture }) => {
    for (const query of [key, created]) {
      const deviceId = `of-${query.list}`
      await fixture.issue({ ...found, deviceId })
      const begun = await fixture.reserve({ deviceId, createdAt: at(50) })
      await endAll(store, fixture, query)
      assert.equal(await store.commit(begun.id, fixture.octets(), []), 'committed')
    }
  })

  test('by date of creation, whatever the order in which they came', async ({ store, fixture }) => {
    const issued: Issued[] = []
    for (const seconds of [15, 12, 19, 12, 10, 21, 11, 9]) {
      issued.push(await fixture.issue({ createdAt: at(seconds) }))
    }
    const expected = [4, 6, 1, 3, 0, 2].map(index => issued[index]!)
    for (const limit of [1, 2, 6]) {
      const listed = await readPages(page => store.certificates(created, page), limit)
      assert.deepEqual(serials(listed), serials(expected))
    }
    assert.deepEqual(serials(await endAll(store, fixture, created)), serials(expected))
  })

  test('a cursor of another range is refused: it would leave out what lies before it', async ({ store, fixture }) => {
    const { id } = await fixture.issue({ createdAt: at(15) })
    for (const seconds of [9, 20, 30]) {
      const page = { after: `${at(seconds).getTime()}.1`, limit: 1 }
      const call = store.revokeAll(created, fixture.revocation(), fixture.event('revoked'), page)
      await assert.rejects(call, { code: 'ERR_PKI_CURSOR' })
      await assert.rejects(store.certificates(created, page), { code: 'ERR_PKI_CURSOR' })
    }
    assert.equal((await fixture.record(id)).revocation, undefined)
  })

  test('a range of dates that are none, or a hash of another length, is refused', async ({ store }) => {
    for (const from of [new Date(Number.NaN), new Date(-1)]) {
      await assert.rejects(store.certificates({ list: 'created', from, before: at(1) }, { limit: 1 }), RangeError)
      await assert.rejects(store.certificates({ list: 'created', from: at(1), before: from }, { limit: 1 }), RangeError)
    }
    await assert.rejects(
      store.certificates({ list: 'key', publicKeyHash: new Uint8Array(31) }, { limit: 1 }),
      RangeError,
    )
  })

  test('an aborted signal ends nothing', async ({ store, fixture }) => {
    const { id } = await fixture.issue(found)
    const reason = new Error('stop')
    const signal = AbortSignal.abort(reason)
    for (const query of queries) {
      const call = store.revokeAll(query, fixture.revocation(), fixture.event('revoked'), { limit: 1 }, { signal })
      await assert.rejects(call, error => error === reason)
    }
    await assert.rejects(store.blockKey(sha256('x'), [], { signal }), error => error === reason)
    assert.equal((await fixture.record(id)).revocation, undefined)
  })

  test('what is ended is in its CRL scope', async ({ store, fixture }) => {
    const issued = [await fixture.issue(found), await fixture.issue(found)]
    await endAll(store, fixture, key)
    const entries = await readPages(page => store.revoked({ issuerKeyId: issuer, shard: 0 }, page), 10)
    assert.deepEqual(
      entries.map(({ serialNumber }) => serialNumber),
      serials(issued),
    )
  })
}

function blockKeyTests(test: StoreTest): void {
  test('a blocked key is reserved, committed and registered no more; what is there stays', async context => {
    const { store, fixture } = context
    const publicKeyHash = sha256('shared key')
    const issued = await fixture.issue({ publicKeyHash })
    const begun = await fixture.reserve({ publicKeyHash })
    const event = fixture.event('keyBlocked', { details: { publicKeyHash: 'aa' } })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.blockKey(publicKeyHash, [event]), true)
      assert.equal(await store.blockKey(publicKeyHash, [event]), false)
    })
    assert.deepEqual(appended.map(inputOf), [event])
    assert.equal(await store.reserve(fixture.reservation({ publicKeyHash }), []), 'keyBlocked')
    assert.equal(await store.commit(begun.id, fixture.octets(), []), 'lost')
    assert.equal(await store.register(fixture.pinned({ publicKeyHash }), []), 'keyBlocked')
    assert.equal((await fixture.record(issued.id)).revocation, undefined)
    await fixture.issue({ publicKeyHash: sha256('another key') })
  })

  test('a key that no certificate has may be blocked, and one that was revoked is', async ({ store, fixture }) => {
    const publicKeyHash = sha256('nobody')
    assert.equal(await store.blockKey(publicKeyHash, []), true)
    assert.equal(await store.reserve(fixture.reservation({ publicKeyHash }), []), 'keyBlocked')
    const { id, reservation } = await fixture.issue()
    await fixture.revoke(id, 'keyCompromise')
    const appended = await fixture.appended(async () => {
      assert.equal(await store.blockKey(reservation.publicKeyHash, [fixture.event('keyBlocked')]), false)
    })
    assert.deepEqual(appended, [])
    await assert.rejects(store.blockKey(new Uint8Array(20), []), RangeError)
  })

  test.reopen('a blocked key stays blocked after a restart', async ({ store, fixture, reopen }) => {
    const publicKeyHash = sha256('nobody')
    await store.blockKey(publicKeyHash, [fixture.event('keyBlocked')])
    const again = await reopen()
    assert.equal(await again.reserve(fixture.reservation({ publicKeyHash }), []), 'keyBlocked')
    assert.equal(await again.blockKey(publicKeyHash, []), false)
  })

  test.second('two handles: a key is blocked once, whatever is being made with it', async context => {
    const { store, second, fixture } = context
    for (let round = 0; round < 6; round++) {
      const publicKeyHash = sha256(`key ${round}`)
      const { id } = await fixture.reserve({ publicKeyHash })
      const block = (handle: Store) => handle.blockKey(publicKeyHash, [fixture.event('keyBlocked')])
      const commit = () => second.commit(id, fixture.octets(), [])
      const [blocked, result, twice] = await Promise.all([block(store), commit(), block(second)])
      assert.equal(Number(blocked) + Number(twice), 1)
      assert.equal((await fixture.record(id)).state === 'issued', result === 'committed')
      assert.equal(await second.reserve(fixture.reservation({ publicKeyHash }), []), 'keyBlocked')
    }
  })
}
