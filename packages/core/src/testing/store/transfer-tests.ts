import assert from 'node:assert/strict'
import { isPkiError, type PkiErrorCode } from '@fleetcert/x509'
import { decodeStoreRecord, encodeStoreRecord } from '../../store/record-codec.ts'
import type { Store } from '../../store/store.ts'
import { importLimits, type StoreRecord } from '../../store/store-records.ts'
import { at, days, type Fixture, issuer, sha256 } from './fixture.ts'
import { encodings, exportAll, exportKind, importAll, makeMovingFleet, move, observations } from './moving-fleet.ts'
import type { StoreTest } from './store-test.ts'

const otherFleet = 'ab'.repeat(16)

async function refused(call: Promise<unknown>, code: PkiErrorCode, name?: string): Promise<void> {
  await assert.rejects(call, error => isPkiError(error, code), name)
}

/** Every method that would write, by its name. */
function writes(store: Store, fixture: Fixture): Readonly<Record<string, () => Promise<unknown>>> {
  const id = fixture.id()
  const scope = { issuerKeyId: issuer, shard: 0 }
  return {
    reserve: () => store.reserve(fixture.reservation(), []),
    commit: () => store.commit(id, fixture.octets(), []),
    supersede: () => store.supersede(id, at(1), fixture.event()),
    abandon: () => store.abandon(at(1)),
    'abandon one': () => store.abandon({ ...id, at: at(1) }),
    extendHolder: () => store.extendHolder('instance-1', at(99)),
    register: () => store.register(fixture.pinned(), []),
    revoke: () => store.revoke(id, fixture.revocation(), []),
    revokeDevice: () => store.revokeDevice('device-1', fixture.revocation(), fixture.event()),
    revokeAll: () =>
      store.revokeAll({ list: 'owner', owner: 'alice' }, fixture.revocation(), fixture.event(), { limit: 5 }),
    blockKey: () => store.blockKey(sha256('a key'), []),
    release: () => store.release(id, []),
    nextCrlNumber: () => store.nextCrlNumber(scope),
    putCrl: () => store.putCrl(scope, fixture.crl(99n), undefined, []),
    putDocument: () => store.putDocument('settings', new Uint8Array([1]), 0, []),
    addToken: () => store.addToken(fixture.token(), []),
    lease: () => store.lease('a lease', 'holder', 5),
    releaseLease: () => store.releaseLease({ name: 'a lease', fence: 1, until: at(1) }),
    saveCursor: () => store.saveCursor('audit', '', undefined),
    prune: () => store.prune({ ledgerBefore: days(900) }, 5),
  }
}

export function transferTests(test: StoreTest): void {
  test.target(
    'what is exported and imported is all there, and answers the same',
    async ({ store, fixture, target }) => {
      const fleet = await makeMovingFleet(fixture)
      assert.equal((await store.state()).state, 'open')
      assert.equal((await target.state()).state, 'empty')
      const before = await observations(store, fleet)
      await move(store, target)
      assert.deepEqual(await target.state(), await store.state(), 'the fleet takes its id along')
      assert.deepEqual(await observations(target, fleet), before)
      assert.deepEqual(encodings(await exportAll(target)), encodings(await exportAll(store)))
      assert.deepEqual(await observations(store, fleet), before, 'an export changes nothing')
    },
  )

  test.target('a fleet that has moved goes on where it stopped', async ({ store, fixture, target }) => {
    const fleet = await makeMovingFleet(fixture)
    const last = (await store.ledger({ after: '', limit: 1000 })).items.at(-1)!.sequence
    await move(store, target)

    // Reservations are their holders' still, and in the way of others.
    assert.equal(await target.reserve(fleet.reserved, []), 'reserved')
    const renewal = { deviceId: 'plain', expect: { supersedes: fleet.plain.fingerprint, at: days(3) } } as const
    assert.equal(await target.reserve(fixture.reservation(renewal), []), 'expectationFailed')
    assert.equal(await target.commit(fleet.renewing.id, fixture.octets(), [fixture.event('renewed')]), 'committed')
    assert.equal((await target.certificate(fleet.plain.id))?.supersededAt?.getTime(), days(2).getTime())
    assert.equal(await target.commit(fleet.abandoned.id, fixture.octets(), []), 'lost')
    const next = fixture.reservation({ deviceId: 'coming', expect: 'newDevice', createdAt: at(10) })
    assert.equal(await target.reserve(next, []), 'expectationFailed')
    assert.equal(await target.reserve({ ...next, createdAt: at(21) }, []), 'reserved')
    assert.equal((await target.certificate(fleet.reserved.id))?.state, 'abandoned')

    // What was renewed over what is revoked may be renewed once more.
    const again = { deviceId: 'renewed', expect: { supersedes: fleet.renewed.fingerprint, at: days(9) } } as const
    assert.equal(await target.reserve(fixture.reservation({ ...again, createdAt: at(20) }), []), 'reserved')
    const gone = { ...again, expect: { ...again.expect, supersedes: fleet.revokedRenewal.fingerprint } }
    assert.equal(await target.reserve(fixture.reservation(gone), []), 'deviceClosed')

    // Keys, tokens, epochs.
    const blocked = fixture.reservation({ deviceId: 'new', publicKeyHash: fleet.blockedKey })
    assert.equal(await target.reserve(blocked, []), 'keyBlocked')
    const compromised = fixture.reservation({ publicKeyHash: fleet.revokedRenewal.reservation.publicKeyHash })
    assert.equal(await target.reserve(compromised, []), 'keyBlocked')
    const spend = { deviceId: 'enrolled', tokenHash: fleet.spent.hash } as const
    assert.equal(await target.reserve(fixture.reservation(spend), []), 'tokenSpent')
    const enroll = { deviceId: 'waiting', tokenHash: fleet.free.hash } as const
    assert.equal(await target.reserve(fixture.reservation(enroll), []), 'reserved')
    await target.addToken(fleet.spent, [])
    assert.equal(await target.reserve(fixture.reservation(spend), []), 'tokenSpent')

    // Numbers go on.
    assert.equal(await target.nextCrlNumber(fleet.scope), 4n)
    assert.equal(await target.putCrl(fleet.scope, fleet.full, undefined, []), true, 'the very CRL is there')
    assert.equal(await target.putCrl(fleet.scope, { ...fleet.full, parts: [new Uint8Array(1)] }, undefined, []), false)
    assert.equal(await target.putCrl(fleet.scope, fixture.crl(5n), fleet.lease, []), false, 'nobody holds the lease')
    assert.equal((await target.lease('crls', 'another', 5))!.fence, fleet.lease.fence + 1)
    const [event] = (await target.ledger({ after: String(last), limit: 1 })).items
    assert.equal(event?.sequence, last + 1)
    assert.equal(event?.type, 'renewed')

    // So do places in CRLs and the order of listings.
    const { position } = await target.crlState(fleet.scope)
    await target.revoke(fleet.plain.id, fixture.revocation(), [])
    await target.release(fleet.held.id, [])
    assert.equal((await target.crlState(fleet.scope)).position, String(Number(position) + 1))
    const listed = (await target.revoked(fleet.scope, { limit: 100 })).items
    assert.equal(listed.at(-1)?.serialNumber, fleet.plain.id.serialNumber)
    const reserved = (await target.certificates({ list: 'reserved' }, { limit: 100 })).items
    assert.equal(reserved.at(-1)?.deviceId, 'waiting')
  })

  test.target('what comes again changes nothing, and what comes later replaces', async ({ store, fixture, target }) => {
    const fleet = await makeMovingFleet(fixture)
    const { fleetId } = await store.state()
    const early = await exportAll(store)
    await importAll(target, fleetId, early)
    await importAll(target, fleetId, early, 7)

    assert.equal(await store.commit(fleet.renewing.id, fixture.octets(), [fixture.event('renewed')]), 'committed')
    assert.equal(await store.commit(fleet.reserved.id, fixture.octets(), [fixture.event('issued')]), 'committed')
    await fixture.revoke(fleet.held.id, 'keyCompromise')
    await fixture.revoke(fleet.abandoned.id)
    await fixture.revoke(fleet.released.id, 'certificateHold')
    await store.revokeDevice('pinned', fixture.revocation(), fixture.event('revoked'))
    await store.putDocument('fleet', new Uint8Array([9]), 2, [])
    await store.putCrl(fleet.scope, fixture.crl(8n), undefined, [])
    await store.reserve(fixture.reservation({ deviceId: 'waiting', tokenHash: fleet.free.hash }), [])
    const late = await exportAll(store)
    await importAll(target, fleetId, late)
    // What counts never goes back.
    const counters = early.filter(({ kind }) => kind === 'head' || kind === 'crlScope' || kind === 'device')
    await importAll(target, fleetId, counters)
    assert.equal(await target.changeState('receiving', 'open'), true)
    assert.deepEqual(encodings(await exportAll(target)), encodings(late))
    assert.deepEqual(await observations(target, fleet), await observations(store, fleet))
  })

  test('records are listed in pages, and found by their keys', async ({ store, fixture }) => {
    await makeMovingFleet(fixture)
    const all = await exportAll(store, 1)
    assert.deepEqual(encodings(await exportAll(store, 1000)), encodings(all))
    for (const record of all) {
      const { items } = await store.exportRecords({ keys: [record] })
      assert.deepEqual(encodings(items), encodings([record]), `by its key: ${record.kind}`)
      assert.deepEqual(decodeStoreRecord(encodeStoreRecord(record)), record)
    }
    const found = await store.exportRecords({ keys: all })
    assert.deepEqual(encodings(found.items), encodings(all))
    const ordinals = (await exportKind(store, 'certificate')).map(
      record => record.kind === 'certificate' && record.ordinal,
    )
    assert.deepEqual(
      ordinals,
      [...ordinals].sort((a, b) => Number(a) - Number(b)),
      'certificates come by ordinal',
    )

    const scope = { issuerKeyId: 'ee', shard: 0 }
    const nothing = await store.exportRecords({
      keys: [
        { kind: 'certificate', record: { id: fixture.id() } },
        { kind: 'event', sequence: 10_000 },
        { kind: 'device', deviceId: 'plain' },
        { kind: 'blockedKey', publicKeyHash: sha256('unknown') },
        { kind: 'token', token: { hash: sha256('unknown') } },
        { kind: 'document', name: 'unknown' },
        { kind: 'crlScope', ...scope },
        { kind: 'crl', ...scope, delta: false },
        { kind: 'crlPart', ...scope, delta: false, crlNumber: 1n, part: 0 },
        { kind: 'lease', name: 'unknown' },
        { kind: 'consumer', consumer: 'unknown' },
      ],
    })
    assert.deepEqual(nothing.items, [])
    const tooMany = Array.from({ length: importLimits.records + 1 }, () => ({ kind: 'head' }) as const)
    await assert.rejects(store.exportRecords({ keys: tooMany }), RangeError)
    await assert.rejects(store.exportRecords({ kind: 'event', limit: 0 }), RangeError)
    await refused(store.exportRecords({ kind: 'event', after: 'nonsense', limit: 1 }), 'ERR_PKI_CURSOR')
  })

  test.target('a page of records is kept whole or not at all', async ({ store, fixture, target }) => {
    await makeMovingFleet(fixture)
    const { fleetId } = await store.state()
    const certificates = (await exportKind(store, 'certificate')).filter(record => record.kind === 'certificate')
    const [first, second, third] = certificates
    assert(first && second && third)
    await target.importRecords({ fleetId, note: 'first' }, [first])
    const { items } = await target.exportRecords({ kind: 'certificate', limit: 10 })
    assert.deepEqual(encodings(items), encodings([first]))
    const other = { ...third.record, id: fixture.id() }
    const { fingerprint: _, ...unnamed } = other
    const [event] = await exportKind(store, 'event')
    assert(event?.kind === 'event')
    const crl = (await exportKind(store, 'crl'))[0]!
    const part = (await exportKind(store, 'crlPart'))[0]!
    assert(crl.kind === 'crl' && part.kind === 'crlPart')
    await target.importRecords({ fleetId, note: 'second' }, [event, crl])
    const bad: Readonly<Record<string, StoreRecord>> = {
      'another certificate of an ordinal': { ...third, ordinal: first.ordinal, record: other },
      'another ordinal of an id': { ...first, ordinal: 999 },
      'another certificate of a fingerprint': {
        ...third,
        record: { ...other, state: 'pinned', der: first.record.der!, fingerprint: first.record.fingerprint! },
      },
      'another event of a number': { ...event, event: { ...event.event, at: at(7) } },
      'a part of another CRL': { ...part, crlNumber: 77n },
      'a state that is none': { ...third, record: { ...third.record, state: 'lost' as never } },
      'a certificate without a fingerprint': { ...third, record: { ...unnamed, state: 'issued' } },
      'an id that is none': { ...third, record: { ...third.record, id: { issuerKeyId: 'XX', serialNumber: '01' } } },
      'a date that is none': { ...third, record: { ...third.record, notAfter: new Date(Number.NaN) } },
      'a kind that is none': { kind: 'secret' } as never,
    }
    const before = encodings(await exportAll(target))
    for (const [name, record] of Object.entries(bad)) {
      const page = [second, { kind: 'document', name, version: 1, value: new Uint8Array([1]) } as const, record]
      await refused(target.importRecords({ fleetId, note: 'bad' }, page), 'ERR_PKI_STORE_RECORD', name)
      assert.deepEqual(encodings(await exportAll(target)), before, name)
      assert.deepEqual(await target.state(), { fleetId, state: 'receiving', note: 'second' }, name)
    }
    const many = Array.from({ length: importLimits.records + 1 }, () => first)
    await assert.rejects(target.importRecords({ fleetId, note: '' }, many), RangeError)
    await assert.rejects(target.importRecords({ fleetId: 'none', note: '' }, [first]), TypeError)
    await target.importRecords({ fleetId, note: 'a whole page' }, many.slice(1))
  })

  test.target('nothing is imported over another fleet', async ({ store, fixture, target }) => {
    const record: StoreRecord = { kind: 'document', name: 'fleet', version: 1, value: new Uint8Array([1]) }
    await target.putDocument('settings', new Uint8Array([1]), 0, [])
    await refused(target.importRecords({ fleetId: otherFleet, note: '' }, [record]), 'ERR_PKI_STORE_IN_USE')
    const { fleetId } = await target.state()
    await refused(target.importRecords({ fleetId, note: '' }, [record]), 'ERR_PKI_STORE_IN_USE')
    await fixture.issue()
    await refused(store.importRecords({ fleetId, note: '' }, [record]), 'ERR_PKI_STORE_IN_USE')
    await target.changeState('open', 'sealed')
    await refused(target.importRecords({ fleetId, note: '' }, [record]), 'ERR_PKI_STORE_IN_USE')
  })

  test.target('a lease alone makes no fleet', async ({ target }) => {
    const lease = (await target.lease('bootstrap', 'somebody', 5))!
    assert.equal((await target.state()).state, 'empty')
    const fence: StoreRecord = { kind: 'lease', name: 'bootstrap', fence: 0 }
    await target.importRecords({ fleetId: otherFleet, note: '' }, [fence])
    await target.changeState('receiving', 'open')
    assert((await target.lease('bootstrap', 'another', 5))!.fence > lease.fence)
  })

  test.target('while it receives, nothing else is written, and nothing of it is lost', async ({ fixture, target }) => {
    const record: StoreRecord = { kind: 'document', name: 'fleet', version: 4, value: new Uint8Array([1]) }
    await target.importRecords({ fleetId: otherFleet, note: 'half' }, [record])
    assert.deepEqual(await target.state(), { fleetId: otherFleet, state: 'receiving', note: 'half' })
    for (const [name, write] of Object.entries(writes(target, fixture))) {
      await refused(write(), 'ERR_PKI_STORE_INCOMPLETE', name)
    }
    assert.equal(await target.changeState('open', 'sealed'), false)
    await target.importRecords({ fleetId: otherFleet, note: 'more' }, [])
    assert.equal((await target.state()).note, 'more')
    assert.equal(await target.changeState('receiving', 'open'), true)
    assert.equal(await target.changeState('receiving', 'open'), true)
    assert.deepEqual(await target.document('fleet'), { value: new Uint8Array([1]), version: 4 })
    await target.putDocument('settings', new Uint8Array([1]), 0, [])
  })

  test('a sealed store answers and changes nothing, until it is unsealed', async ({ store, fixture }) => {
    const fleet = await makeMovingFleet(fixture)
    const before = await observations(store, fleet)
    const records = encodings(await exportAll(store))
    assert.equal(await store.changeState('open', 'sealed'), true)
    assert.equal(await store.changeState('open', 'sealed'), true)
    assert.equal((await store.state()).state, 'sealed')
    for (const [name, write] of Object.entries(writes(store, fixture))) {
      await refused(write(), 'ERR_PKI_STORE_MOVED', name)
    }
    assert.deepEqual(await observations(store, fleet), before)
    assert.deepEqual(encodings(await exportAll(store)), records)
    assert.equal(await store.changeState('receiving', 'open'), false)
    assert.equal(await store.changeState('sealed', 'open'), true)
    assert.equal(await store.commit(fleet.renewing.id, fixture.octets(), []), 'committed')
  })

  test.second(
    'two handles: a seal is everybody’s, and nothing slips in behind it',
    async ({ store, fixture, second }) => {
      await fixture.issue()
      const tokens = Array.from({ length: 40 }, () => fixture.token())
      const results: string[] = []
      const added = tokens.map(token =>
        second.addToken(token, []).then(
          () => results.push('added'),
          error => {
            assert(isPkiError(error, 'ERR_PKI_STORE_MOVED'))
            results.push('refused')
          },
        ),
      )
      assert.equal(await store.changeState('open', 'sealed'), true)
      const sealed = (await exportKind(store, 'token')).length
      await Promise.all(added)
      assert.equal((await exportKind(store, 'token')).length, sealed)
      assert.equal(results.filter(result => result === 'added').length, sealed)
      await refused(second.lease('crls', 'somebody', 5), 'ERR_PKI_STORE_MOVED')
      assert.equal(await second.changeState('sealed', 'open'), true)
      await store.addToken(fixture.token(), [])
    },
  )

  test.reopen('a seal, and a fleet that is not whole, stay so after a restart', async ({ store, fixture, reopen }) => {
    await fixture.issue()
    await store.changeState('open', 'sealed')
    const again = await reopen()
    assert.equal((await again.state()).state, 'sealed')
    await refused(again.addToken(fixture.token(), []), 'ERR_PKI_STORE_MOVED')
  })
}
