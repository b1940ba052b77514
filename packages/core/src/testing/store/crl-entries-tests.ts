import assert from 'node:assert/strict'
import { encodeRevokedEntries } from '@fleetcert/x509'
import { revocationReasons } from '../../fleet/revocation-reasons.ts'
import type { CrlEntriesQuery, CrlScope, Revocation, Store } from '../../store/store.ts'
import { at, days, hex, issuer, otherIssuer, readRevoked } from './fixture.ts'
import type { StoreTest } from './store-test.ts'

const scope = { issuerKeyId: issuer, shard: 0 }

interface Listed {
  readonly entries: Buffer
  readonly changes: Buffer
  readonly position: string
  readonly pages: number
}

async function readEntries(
  store: Store,
  query: CrlEntriesQuery = {},
  { scope: of = scope, limit = 3, between }: { scope?: CrlScope; limit?: number; between?: () => Promise<void> } = {},
): Promise<Listed> {
  const entries: Uint8Array[] = []
  const changes: Uint8Array[] = []
  let position: string | undefined
  let after: string | undefined
  let pages = 0
  do {
    const page = await store.crlEntries(of, query, { limit, ...(after !== undefined && { after }) })
    entries.push(page.entries)
    changes.push(page.changes)
    assert.equal(page.position, position ?? page.position, 'the position must be the same on every page')
    position = page.position
    after = page.next
    pages += 1
    if (after !== undefined) await between?.()
  } while (after !== undefined)
  return { entries: Buffer.concat(entries), changes: Buffer.concat(changes), position: position!, pages }
}

/** What the octets must be, by the listing and the one encoder. */
async function expectedEntries(store: Store, of: CrlScope = scope): Promise<Buffer> {
  return Buffer.from(encodeRevokedEntries(await readRevoked(store, of)))
}

const entry = (serialNumber: string, revocation: Revocation): string =>
  hex(encodeRevokedEntries([{ serialNumber, revocation }]))

export function crlEntriesTests(test: StoreTest): void {
  test('the octets of a CRL are those of its entries, whatever these say', async ({ store, fixture }) => {
    const serials = ['00', '0000', '01', '7f', '80', 'ff', '00ff', '0123', '10', 'f0', '0a', `7f${'00'.repeat(18)}01`]
    const odd = ['ab'.repeat(20), 'ff'.repeat(64), `00${'80'.repeat(9)}`, 'aa'.repeat(16)]
    for (const [index, serialNumber] of [...serials, ...odd].entries()) {
      const { id } = await fixture.issue({ id: { issuerKeyId: issuer, serialNumber } })
      const revocationDate = [at(0.999), new Date(Date.UTC(2049, 11, 31, 23, 59, 59)), new Date(Date.UTC(2050, 0, 1))]
      const revocation: Revocation = {
        revocationDate: revocationDate[index % 3]!,
        reason: revocationReasons[index % revocationReasons.length]!,
        ...(index % 2 === 0 && { invalidityDate: [at(-1), new Date(0)][index % 4 === 0 ? 0 : 1]! }),
      }
      await store.revoke(id, revocation, [])
    }
    const expected = await expectedEntries(store)
    for (const limit of [1, 3, 8192]) {
      const { entries, changes } = await readEntries(store, {}, { limit })
      assert.deepEqual(entries, expected)
      assert.equal(changes.length, 0)
    }
  })

  test('the entries of a scope alone, whether it has any or not', async ({ store, fixture }) => {
    const none = await readEntries(store)
    assert.deepEqual([none.entries.length, none.changes.length, none.pages], [0, 0, 1])
    const here = await fixture.issue()
    const otherShard = await fixture.issue({ shard: 1 })
    const otherKey = await fixture.issue({ id: fixture.id(otherIssuer) })
    for (const { id } of [here, otherShard, otherKey]) await fixture.revoke(id)
    for (const of of [scope, { ...scope, shard: 1 }, { issuerKeyId: otherIssuer, shard: 0 }]) {
      const { entries } = await readEntries(store, {}, { scope: of })
      assert(entries.length > 0)
      assert.deepEqual(entries, await expectedEntries(store, of))
    }
    assert.equal((await readEntries(store, {}, { scope: { issuerKeyId: otherIssuer, shard: 1 } })).entries.length, 0)
  })

  test('reservations and devices as a whole are among them, and what is released is not', async ({
    store,
    fixture,
  }) => {
    const reserved = await fixture.reserve({ deviceId: 'device-1' })
    await store.revokeDevice('device-1', fixture.revocation('superseded'), fixture.event('revoked'))
    const held = await fixture.issue()
    await fixture.revoke(held.id, 'certificateHold')
    const released = await fixture.issue()
    await fixture.revoke(released.id, 'certificateHold')
    await store.release(released.id, [])
    const { entries } = await readEntries(store)
    assert.equal(
      hex(entries),
      entry(reserved.id.serialNumber, fixture.revocation('superseded')) +
        entry(held.id.serialNumber, fixture.revocation('certificateHold')),
    )
  })

  test('the position moves with every change of the scope and with nothing else', async ({ store, fixture }) => {
    const position = async (): Promise<string> => {
      const { position } = await store.crlState(scope)
      assert.equal((await store.crlEntries(scope, {}, { limit: 1 })).position, position)
      return position
    }
    const seen = [await position()]
    const { id } = await fixture.issue()
    const other = await fixture.issue({ shard: 1 })
    await fixture.revoke(other.id)
    assert.equal(await position(), seen.at(-1), 'another shard must not move it')
    for (const change of [
      () => fixture.revoke(id, 'certificateHold'),
      () => store.release(id, []),
      () => fixture.revoke(id, 'certificateHold'),
      () => fixture.revoke(id, 'superseded'),
      () => fixture.revoke(id, 'keyCompromise'),
    ]) {
      await change()
      const now = await position()
      assert(!seen.includes(now), 'a change must move the position')
      seen.push(now)
    }
    await store.revoke(id, fixture.revocation('superseded'), [])
    await store.release(id, [])
    await store.nextCrlNumber(scope)
    await store.putCrl(scope, fixture.crl(9n), undefined, [])
    assert.equal(await position(), seen.at(-1), 'what changes nothing must not move it')
  })

  test('changes are what was revoked, released or given another reason since a position', async ({
    store,
    fixture,
  }) => {
    const issued = await Promise.all(Array.from({ length: 7 }, () => fixture.issue()))
    const [stays, held, lifted, worse, fresh, both, early] = issued.map(({ id }) => id)
    await fixture.revoke(stays!, 'superseded')
    for (const id of [held!, lifted!, early!]) await fixture.revoke(id, 'certificateHold')
    await fixture.revoke(worse!, 'superseded')
    await store.release(early!, [])
    const { position } = await store.crlState(scope)
    assert.equal((await readEntries(store, { changedSince: position })).changes.length, 0)

    await fixture.revoke(held!, 'cessationOfOperation')
    await store.release(lifted!, [])
    await fixture.revoke(worse!, 'keyCompromise')
    await fixture.revoke(fresh!, 'superseded')
    await fixture.revoke(both!, 'certificateHold')
    await store.release(both!, [])
    const expected = [
      entry(held!.serialNumber, fixture.revocation('cessationOfOperation')),
      entry(lifted!.serialNumber, { revocationDate: fixture.revocation().revocationDate, reason: 'removeFromCRL' }),
      entry(worse!.serialNumber, fixture.revocation('keyCompromise')),
      entry(fresh!.serialNumber, fixture.revocation('superseded')),
      entry(both!.serialNumber, { revocationDate: fixture.revocation().revocationDate, reason: 'removeFromCRL' }),
    ]
    for (const limit of [1, 2, 100]) {
      const listed = await readEntries(store, { changedSince: position }, { limit })
      assert.equal(hex(listed.changes), expected.join(''))
      assert.deepEqual(listed.entries, await expectedEntries(store))
    }
    // From the beginning of all: the released ones that nobody ever saw, too.
    const all = await readEntries(store, { changedSince: '' })
    assert(hex(all.changes).includes(stays!.serialNumber) && hex(all.changes).includes(early!.serialNumber))
  })

  test('what has ended is left out once it has been shown', async ({ store, fixture }) => {
    const expired = await fixture.issue({ notAfter: days(10) })
    const lasting = await fixture.issue({ notAfter: days(20) })
    const revokedLate = await fixture.issue({ notAfter: days(10) })
    for (const { id } of [expired, lasting]) await fixture.revoke(id)
    await store.revoke(revokedLate.id, { revocationDate: days(15), reason: 'superseded' }, [])
    const { position } = await store.crlState(scope)
    const serials = async (endedBefore: Date, unchangedSince: string): Promise<readonly boolean[]> => {
      const { entries, changes } = await readEntries(store, {
        without: { endedBefore, unchangedSince },
        changedSince: '',
      })
      assert.deepEqual(changes, entries)
      return [expired, lasting, revokedLate].map(({ id }) => hex(entries).includes(id.serialNumber))
    }
    assert.deepEqual(await serials(days(10), position), [true, true, true], 'notAfter is the last moment of all')
    assert.deepEqual(await serials(new Date(days(10).getTime() + 1), position), [false, true, true])
    assert.deepEqual(await serials(new Date(days(15).getTime() + 1), position), [false, true, false])
    assert.deepEqual(await serials(days(30), position), [false, false, false])
    // Of changes that no CRL has shown yet, nothing is left out.
    assert.deepEqual(await serials(days(30), ''), [true, true, true])
  })

  test('pages hold each once while others are revoked, released and revoked for good', async ({ store, fixture }) => {
    const issued = await Promise.all(Array.from({ length: 12 }, () => fixture.issue()))
    const before = issued.slice(0, 9)
    for (const { id } of before) await fixture.revoke(id, 'certificateHold')
    let turn = 0
    const listed = await readEntries(
      store,
      { changedSince: '' },
      {
        limit: 2,
        async between() {
          for (const { id } of [issued[9 + (turn % 3)]!, before[turn]!, before[8 - turn]!]) {
            await store.revoke(id, fixture.revocation('superseded'), [])
          }
          turn += 1
        },
      },
    )
    for (const octets of [listed.entries, listed.changes]) {
      for (const { id } of before) {
        assert.equal(hex(octets).split(id.serialNumber).length, 2, 'every certificate must be listed once')
      }
    }
    assert.notEqual((await store.crlState(scope)).position, listed.position)
  })

  test('a page has at most as many entries as was asked for', async ({ store, fixture }) => {
    for (let count = 0; count < 4; count++) await fixture.revoke((await fixture.issue()).id, 'unspecified')
    const each = (await expectedEntries(store)).length / 4
    const first = await store.crlEntries(scope, { changedSince: '' }, { limit: 2 })
    assert(first.entries.length <= 2 * each && first.changes.length <= 2 * each)
    assert(first.next !== undefined)
  })

  test('cursors, positions and limits that are none are refused', async ({ store, fixture }) => {
    await fixture.revoke((await fixture.issue()).id)
    const code = { code: 'ERR_PKI_CURSOR' }
    for (const after of ['x', '1', '1.1', '1.1.1.1', '-1.0.0', '1.1.x']) {
      await assert.rejects(store.crlEntries(scope, {}, { after, limit: 1 }), code, after)
    }
    const { position } = await store.crlState(scope)
    for (const changedSince of ['x', '-1', `${position}9`, '1.1']) {
      await assert.rejects(store.crlEntries(scope, { changedSince }, { limit: 1 }), code, changedSince)
      const without = { endedBefore: at(0), unchangedSince: changedSince }
      await assert.rejects(store.crlEntries(scope, { without }, { limit: 1 }), code, changedSince)
    }
    for (const limit of [0, -1, 1.5, Number.NaN, 8193]) {
      await assert.rejects(store.crlEntries(scope, {}, { limit }), RangeError, String(limit))
    }
  })
}
