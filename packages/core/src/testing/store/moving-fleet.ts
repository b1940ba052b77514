import assert from 'node:assert/strict'
import { encodeStoreRecord } from '../../store/record-codec.ts'
import { recordKey } from '../../store/record-keys.ts'
import type { CertificateId, CrlParts, EnrollmentToken, Lease, Reservation, Store } from '../../store/store.ts'
import { importLimits, type StoreRecord, type StoreRecordKind, storeRecordKinds } from '../../store/store-records.ts'
import {
  at,
  days,
  type Fixture,
  hex,
  type Issued,
  issuer,
  otherIssuer,
  readLedger,
  readPages,
  sha256,
} from './fixture.ts'

/** What a fleet may have in it, and what is asked about it afterwards. */
export interface MovingFleet {
  readonly plain: Issued
  /** Renewed, twice: the first renewal is revoked. */
  readonly renewed: Issued
  readonly revokedRenewal: Issued
  readonly held: Issued
  readonly released: Issued
  /** Its holder's lease runs out at `at(15)`; it renews {@link plain}. */
  readonly renewing: Reservation
  readonly reserved: Reservation
  readonly abandoned: Reservation
  readonly pinned: CertificateId
  readonly spent: EnrollmentToken
  readonly free: EnrollmentToken
  readonly blockedKey: Uint8Array
  readonly full: CrlParts
  readonly delta: CrlParts
  readonly lease: Lease
  readonly scope: { readonly issuerKeyId: string; readonly shard: number }
}

/** A fleet with something of everything, whose numbers have gaps. */
export async function makeMovingFleet(fixture: Fixture): Promise<MovingFleet> {
  const { store } = fixture
  const scope = { issuerKeyId: issuer, shard: 0 }
  const event = fixture.event('settingsChanged', { at: at(50), details: { text: 'ü', number: 1.5, flag: true } })
  // A row that is gone, and its ledger entry: neither its ordinal nor its number comes again.
  await fixture.issue({ deviceId: 'gone', notAfter: days(1) })
  await store.putDocument('fleet', new Uint8Array([1]), 0, [event, event])
  await store.prune({ ledgerBefore: at(60), certificatesExpiredBefore: days(2) }, 10)

  const plain = await fixture.issue({
    deviceId: 'plain',
    owner: 'alice',
    attributes: { b: '2', a: '1', '': 'ä', '7': '' },
  })
  const renewed = await fixture.issue({ deviceId: 'renewed' })
  const renew = async (fingerprint: Uint8Array, seconds: number): Promise<Issued> =>
    fixture.issue({ deviceId: 'renewed', expect: { supersedes: fingerprint, at: days(seconds) }, createdAt: at(10) })
  const revokedRenewal = await renew(renewed.fingerprint, 30)
  await fixture.revoke(revokedRenewal.id, 'keyCompromise')

  const held = await fixture.issue({ deviceId: 'held', shard: 3 })
  await fixture.revoke(held.id, 'certificateHold')
  const released = await fixture.issue({ deviceId: 'released' })
  await fixture.revoke(released.id, 'certificateHold')
  await store.release(released.id, [])
  // A hold that began after its certificate had ended.
  const late = await fixture.issue({ deviceId: 'late', notAfter: at(30) })
  await store.revoke(late.id, { reason: 'certificateHold', revocationDate: at(61.25) }, [])
  await store.release(late.id, [])
  const dated = await fixture.issue({ deviceId: 'dated' })
  await store.revoke(dated.id, { reason: 'superseded', revocationDate: at(61.5), invalidityDate: at(-5) }, [])

  await store.revokeDevice('closed', fixture.revocation(), fixture.event('revoked'))
  await fixture.issue({ deviceId: 'closed' })
  await store.revokeDevice('closed', fixture.revocation(), fixture.event('revoked'))

  const spent = fixture.token('enrolled', { profile: 'device', owner: 'bob', attributes: { site: 'north' } })
  const free = fixture.token('waiting')
  await store.addToken(spent, [])
  await store.addToken(free, [])
  await fixture.issue({ deviceId: 'enrolled', tokenHash: spent.hash, owner: 'bob' })
  const renewing = await fixture.reserve({ deviceId: 'plain', expect: { supersedes: plain.fingerprint, at: days(2) } })
  const reserved = await fixture.reserve({ deviceId: 'coming', holder: { instance: 'instance-2', leaseUntil: at(20) } })
  const abandoned = await fixture.reserve({ deviceId: 'left' })
  await store.abandon({ ...abandoned.id, at: at(2) })
  const server = await fixture.reserve({ deviceId: undefined as never, role: 'server' })
  await store.revoke(server.id, fixture.revocation('affiliationChanged'), [])

  const pinned = fixture.pinned({ deviceId: 'pinned', shard: 1 })
  await store.register(pinned, [fixture.event('registered', { certificate: pinned.id, deviceId: 'pinned' })])
  const blockedKey = sha256('a key that is blocked')
  await store.blockKey(blockedKey, [fixture.event('keyBlocked')])

  await store.putDocument('fleet', new Uint8Array([2, 3]), 1, [])
  await store.putDocument('empty', new Uint8Array(), 0, [])
  const lease = (await store.lease('crls', 'somebody', 600))!
  const numbers = [await store.nextCrlNumber(scope), await store.nextCrlNumber(scope), await store.nextCrlNumber(scope)]
  const full = fixture.crl(numbers[0]!, { parts: [fixture.octets(700), fixture.octets(9)], note: 'of the scope' })
  const delta = fixture.crl(numbers[1]!)
  assert(await store.putCrl(scope, full, lease, [fixture.event('crlPublished')]))
  assert(await store.putCrl({ ...scope, delta: true }, delta, undefined, []))
  await store.nextCrlNumber({ issuerKeyId: otherIssuer, shard: 9 })
  const { items } = await store.ledger({ after: '', limit: 2 })
  await store.saveCursor('audit', items.at(-1)!.cursor, undefined)
  await store.saveCursor('nothing yet', '', undefined)
  return {
    plain,
    renewed,
    revokedRenewal,
    held,
    released,
    renewing,
    reserved,
    abandoned,
    pinned: pinned.id,
    spent,
    free,
    blockedKey,
    full,
    delta,
    lease,
    scope,
  }
}

/** All records of a kind, each once, in small pages. */
export async function exportKind(store: Store, kind: StoreRecordKind, limit = 3): Promise<readonly StoreRecord[]> {
  const records = new Map<string, StoreRecord>()
  for (let after: string | undefined; ; ) {
    const page = await store.exportRecords({ kind, limit, ...(after !== undefined && { after }) })
    for (const record of page.items) records.set(recordKey(record), record)
    if (page.next === undefined) return [...records.values()]
    assert.notEqual(page.next, after, 'a listing must come forward')
    after = page.next
  }
}

export async function exportAll(store: Store, limit = 3): Promise<readonly StoreRecord[]> {
  const records: StoreRecord[] = []
  for (const kind of storeRecordKinds) records.push(...(await exportKind(store, kind, limit)))
  return records
}

/** Imports all, a few at a time. */
export async function importAll(
  store: Store,
  fleetId: string,
  records: readonly StoreRecord[],
  count = 4,
): Promise<void> {
  assert(count <= importLimits.records)
  for (let from = 0; from < records.length; from += count) {
    await store.importRecords({ fleetId, note: `${from}` }, records.slice(from, from + count))
  }
}

/** Moves everything, as it is at this moment. */
export async function move(from: Store, to: Store): Promise<void> {
  const { fleetId } = await from.state()
  await importAll(to, fleetId, await exportAll(from))
  assert.equal(await to.changeState('receiving', 'open'), true)
}

/** Records as octets, by their keys. Their order is the store's business. */
export function encodings(records: readonly StoreRecord[]): Readonly<Record<string, string>> {
  const entries = records.map(record => [recordKey(record), hex(encodeStoreRecord(record))] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** All that a store answers about a fleet, in pages of that size. Octets and dates as they come. */
export async function observations(store: Store, { scope, spent, free }: MovingFleet, limit = 2): Promise<unknown> {
  const listing = (query: Parameters<Store['certificates']>[0]) =>
    readPages(page => store.certificates(query, page), limit)
  const devices = await listing({ list: 'devices' })
  const crls = [scope, { ...scope, delta: true }, { ...scope, shard: 3 }, { issuerKeyId: otherIssuer, shard: 1 }]
  return {
    devices,
    histories: await Promise.all(
      [...devices.map(({ deviceId }) => deviceId!), 'closed', 'coming', 'left'].map(deviceId =>
        listing({ list: 'device', deviceId }),
      ),
    ),
    lists: await Promise.all([
      listing({ list: 'reserved' }),
      listing({ list: 'pending' }),
      listing({ list: 'owner', owner: 'bob' }),
      listing({ list: 'attribute', name: '', value: 'ä' }),
      listing({ list: 'created', from: at(-1), before: days(1) }),
      listing({ list: 'key', publicKeyHash: devices[0]!.publicKeyHash }),
    ]),
    ledger: await readLedger(store, '', 4 * limit),
    newest: await store.newestEventAt(),
    crls: await Promise.all(crls.map(name => store.crl(name))),
    scopes: await Promise.all(
      crls.map(async name => ({
        state: await store.crlState(name),
        revoked: await readPages(page => store.revoked(name, page), limit),
        entries: await store
          .crlEntries(name, { changedSince: '0' }, { limit: 8192 })
          .then(({ entries, changes, position }) => ({ entries, changes, position })),
      })),
    ),
    tokens: await Promise.all([store.token(spent.hash), store.token(free.hash)]),
    documents: await Promise.all(['fleet', 'empty', 'none'].map(name => store.document(name))),
    cursors: await Promise.all(['audit', 'nothing yet', 'nobody'].map(consumer => store.cursor(consumer))),
  }
}
