import assert from 'node:assert/strict'
import type { Store } from '../../store/store.ts'
import { at, days, issuer, readLedger, readPages, readRevoked } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }

async function appendAt(store: Store, seconds: readonly number[]): Promise<void> {
  const events = seconds.map(second => ({ type: 'issued' as const, at: at(second) }))
  assert.equal(await store.putDocument(`at ${seconds.join()}`, new Uint8Array(1), 0, events), true)
}

export function pruneTests(test: StoreTest): void {
  test('old ledger entries go, the oldest first, at most as many as allowed', async ({ store }) => {
    await appendAt(store, [1, 2, 3, 4, 5, 6])
    const ledger = await readLedger(store)
    assert.equal(await store.prune({ ledgerBefore: at(5) }, 3), 3)
    assert.deepEqual(await readLedger(store), ledger.slice(3))
    assert.equal(await store.prune({ ledgerBefore: at(5) }, 3), 1)
    assert.equal(await store.prune({ ledgerBefore: at(5) }, 3), 0)
    assert.deepEqual(await readLedger(store), ledger.slice(4))
  })

  test('the newest ledger entry stays, and sequence numbers go on', async ({ store }) => {
    await appendAt(store, [1, 2])
    const [, newest] = await readLedger(store)
    assert.equal(await store.prune({ ledgerBefore: at(100) }, 10), 1)
    assert.deepEqual(await store.newestEventAt(), at(2))
    await appendAt(store, [3])
    const ledger = await readLedger(store)
    assert.deepEqual(ledger[0], newest)
    assert(ledger[1]!.sequence > newest!.sequence)
  })

  test('a cursor behind which entries were pruned is refused; the others are good', async ({ store }) => {
    await appendAt(store, [1, 2, 3, 4])
    const ledger = await readLedger(store)
    await store.prune({ ledgerBefore: at(3) }, 10)
    await assert.rejects(store.ledger({ after: ledger[0]!.cursor, limit: 1 }), { code: 'ERR_PKI_CURSOR' })
    assert.deepEqual(await readLedger(store, ledger[1]!.cursor), ledger.slice(2))
    assert.deepEqual(await readLedger(store, ledger[2]!.cursor), ledger.slice(3))
  })

  test('certificates that expired before the mark go, at most as many as allowed', async ({ store, fixture }) => {
    const expired = []
    for (let count = 0; count < 5; count++)
      expired.push(await fixture.issue({ deviceId: `old-${count}`, notAfter: at(count) }))
    const edge = await fixture.issue({ deviceId: 'edge', notAfter: at(10) })
    const live = await fixture.issue({ deviceId: 'live' })
    const appended = await fixture.appended(async () => {
      assert.equal(await store.prune({ certificatesExpiredBefore: at(10) }, 3), 3)
      assert.equal(await store.prune({ certificatesExpiredBefore: at(10) }, 3), 2)
      assert.equal(await store.prune({ certificatesExpiredBefore: at(10) }, 3), 0)
    })
    assert.deepEqual(appended, [])
    for (const { id, fingerprint, reservation } of expired) {
      assert.equal(await store.certificate(id), undefined)
      assert.equal(await store.certificate({ fingerprint }), undefined)
      const query = { list: 'device', deviceId: reservation.deviceId! } as const
      assert.deepEqual((await store.certificates(query, { limit: 10 })).items, [])
    }
    const listed = await readPages(page => store.certificates({ list: 'devices' }, page), 10)
    assert.deepEqual(
      listed.map(record => record.id),
      [edge.id, live.id],
    )
  })

  test('the limit counts everything that is dropped', async ({ store, fixture }) => {
    await appendAt(store, [1, 2, 3])
    for (let count = 0; count < 3; count++) {
      await fixture.issue({ notAfter: at(1) })
      await store.addToken(fixture.token('device-1', { expiresAt: at(1) }), [])
    }
    const marks = { ledgerBefore: at(100), certificatesExpiredBefore: at(100) }
    const counts: number[] = []
    do counts.push(await store.prune(marks, 3))
    while (counts.at(-1) !== 0)
    assert(counts.every(count => count <= 3))
    const sum = counts.reduce((total, count) => total + count)
    assert.equal(sum, 8, 'two ledger entries, three certificates, three tokens')
  })

  test('a device shows its newest certificate that is left', async ({ store, fixture }) => {
    const long = await fixture.issue({ notAfter: days(10) })
    await fixture.issue({ notAfter: days(1) })
    assert.equal(await store.prune({ certificatesExpiredBefore: days(2) }, 10), 1)
    const { items } = await store.certificates({ list: 'devices' }, { limit: 10 })
    assert.deepEqual(
      items.map(record => record.id),
      [long.id],
    )
  })

  // RFC 5280 section 3.3
  test('a revoked certificate stays until a CRL that is younger than its notAfter is there', async ({
    store,
    fixture,
  }) => {
    const { id } = await fixture.issue({ notAfter: days(10) })
    await fixture.revoke(id)
    const pinned = fixture.pinned({ notAfter: days(10) })
    await store.register(pinned, [])
    await fixture.revoke(pinned.id)
    const marks = { certificatesExpiredBefore: days(100) }
    assert.equal(await store.prune(marks, 10), 1, 'a pinned certificate is on no CRL of ours')
    await store.putCrl(scope, fixture.crl(1n, { thisUpdate: days(10) }), undefined, [])
    assert.equal(await store.prune(marks, 10), 0)
    assert.equal((await readRevoked(store)).length, 1)
    await store.putCrl(scope, fixture.crl(2n, { thisUpdate: at(10 * 86_400 + 1) }), undefined, [])
    assert.equal(await store.prune(marks, 10), 1)
    assert.deepEqual(await readRevoked(store), [])
  })

  test('a certificate that was revoked after the current CRL stays', async ({ store, fixture }) => {
    const { id } = await fixture.issue({ notAfter: days(1) })
    await store.putCrl(scope, fixture.crl(1n, { thisUpdate: days(10) }), undefined, [])
    await store.revoke(id, fixture.revocation('unspecified', { revocationDate: days(11) }), [])
    assert.equal(await store.prune({ certificatesExpiredBefore: days(100) }, 10), 0)
    await store.putCrl(scope, fixture.crl(2n, { thisUpdate: days(12) }), undefined, [])
    assert.equal(await store.prune({ certificatesExpiredBefore: days(100) }, 10), 1)
  })

  test('a blocked key stays blocked, and a revoked device keeps its epoch', async ({ store, fixture }) => {
    const { reservation } = await fixture.issue({ notAfter: days(10) })
    const token = fixture.token('device-1', { expiresAt: days(1000) })
    await store.addToken(token, [])
    await store.revokeDevice('device-1', fixture.revocation('keyCompromise'), fixture.event('revoked'))
    await store.putCrl(scope, fixture.crl(1n, { thisUpdate: days(11) }), undefined, [])
    assert.equal(await store.prune({ certificatesExpiredBefore: days(100) }, 10), 1)
    const { publicKeyHash } = reservation
    assert.equal(await store.reserve(fixture.reservation({ publicKeyHash }), []), 'keyBlocked')
    assert.equal(await store.reserve(fixture.reservation({ tokenHash: token.hash }), []), 'deviceClosed')
  })

  test('without marks nothing goes', async ({ store, fixture }) => {
    await fixture.issue({ notAfter: at(-1000) })
    await appendAt(store, [-1000, -999])
    assert.equal(await store.prune({}, 10), 0)
    assert.equal((await readLedger(store)).length, 2)
  })
}
