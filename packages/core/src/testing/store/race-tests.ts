import assert from 'node:assert/strict'
import type { Store } from '../../store/store.ts'
import { at, type Issued, issuer, readLedger, readPages } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }

/** Runs `call` many times at once, in turn on both handles. */
function both<T>(
  store: Store,
  second: Store,
  count: number,
  call: (store: Store, index: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? store : second, index)))
}

/** What two processes on the same data must agree on. */
export function raceTests(test: StoreTest): void {
  test.second('what one handle has done, the other sees', async ({ store, second, fixture }) => {
    const { id, fingerprint } = await fixture.issue()
    assert.equal((await second.certificate({ fingerprint }))?.state, 'issued')
    await second.revoke(id, fixture.revocation(), [fixture.event('revoked')])
    assert.deepEqual((await fixture.record(id)).revocation, fixture.revocation())
    assert.deepEqual(await readLedger(second), await readLedger(store))
  })

  test.second('two handles: CRL numbers are given out once and rise', async ({ store, second }) => {
    const given: bigint[][] = [[], []]
    await Promise.all(
      [store, second].map(async (handle, index) => {
        for (let count = 0; count < 10; count++) given[index]!.push(await handle.nextCrlNumber(scope))
      }),
    )
    for (const numbers of given) {
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => Number(a - b)),
      )
    }
    assert.equal(new Set(given.flat()).size, 20)
  })

  test.second(
    'two handles: one new device, one renewal, one revocation, one lease',
    async ({ store, second, fixture }) => {
      const enrolled = await both(store, second, 6, handle =>
        handle.reserve(fixture.reservation({ deviceId: 'new', expect: 'newDevice' }), [fixture.event('issuing')]),
      )
      assert.deepEqual(enrolled.sort(), [...Array<string>(5).fill('expectationFailed'), 'reserved'])

      const old = await fixture.issue()
      const expect = { supersedes: old.fingerprint, at: at(5) }
      const renewed = await both(store, second, 6, handle => handle.reserve(fixture.reservation({ expect }), []))
      assert.deepEqual(renewed.sort(), [...Array<string>(5).fill('expectationFailed'), 'reserved'])

      const revoked = await both(store, second, 6, (handle, index) =>
        handle.revoke(old.id, fixture.revocation('unspecified', { revocationDate: at(index) }), [
          fixture.event('revoked'),
        ]),
      )
      assert.equal(revoked.filter(answer => answer?.created).length, 1)
      assert.equal(new Set(revoked.map(answer => answer?.revocation.revocationDate.getTime())).size, 1)

      const leases = await both(store, second, 6, (handle, index) => handle.lease('crl', `holder-${index}`, 60))
      assert.equal(leases.filter(Boolean).length, 1)
      const types = (await readLedger(store)).map(event => event.type)
      assert.deepEqual(types, ['issuing', 'revoked'])
    },
  )

  test.second(
    'two handles: whatever the order of commit and revokeDevice, nothing stays live',
    async ({ store, second, fixture }) => {
      for (let round = 0; round < 6; round++) {
        const deviceId = `device-${round}`
        const { id } = await fixture.reserve({ deviceId })
        const der = fixture.octets()
        const revoke = () => second.revokeDevice(deviceId, fixture.revocation(), fixture.event('revoked'))
        const commit = () => store.commit(id, der, [fixture.event('issued')])
        const [result] =
          round % 2 === 0
            ? await Promise.all([commit(), revoke()])
            : (await Promise.all([revoke(), commit()])).toReversed()
        const record = await fixture.record(id)
        assert.deepEqual(record.revocation, fixture.revocation())
        assert.equal(record.state === 'issued', result === 'committed')
      }
    },
  )

  test.second(
    'two handles: the ledger has one order, without gaps for a reader',
    async ({ store, second, fixture }) => {
      await both(store, second, 30, (handle, index) =>
        handle.putDocument(`document-${index}`, new Uint8Array(1), 0, [
          fixture.event('issuing', { details: { index } }),
          fixture.event('issued', { details: { index } }),
        ]),
      )
      const ledger = await readLedger(second)
      assert.deepEqual(await readLedger(store, '', 5), ledger)
      assert.equal(ledger.length, 60)
      for (const [index, event] of ledger.entries()) {
        assert.equal(event.details!['index'], ledger[index - (index % 2)]!.details!['index'])
        if (index > 0) assert(event.sequence > ledger[index - 1]!.sequence)
      }
    },
  )

  test.second('two handles: pages of revoked certificates hold each once', async ({ store, second, fixture }) => {
    const issued: Issued[] = []
    for (let count = 0; count < 12; count++) issued.push(await fixture.issue())
    for (const { id } of issued.slice(0, 8)) await fixture.revoke(id)
    const listed = await readPages(
      page => store.revoked(scope, page),
      3,
      page => second.revoke(issued[7 + page]!.id, fixture.revocation(), []),
    )
    const serials = listed.map(entry => entry.serialNumber)
    assert.equal(new Set(serials).size, serials.length)
    assert.deepEqual(
      serials.slice(0, 8),
      issued.slice(0, 8).map(({ id }) => id.serialNumber),
    )
  })
}
