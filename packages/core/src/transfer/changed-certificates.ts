import type { IoOptions } from '@fleetcert/x509'
import { recordKey } from '../store/record-keys.ts'
import type { CertificateId, CertificateQuery, FleetEventType, Store } from '../store/store.ts'
import { importLimits, type LedgerEntry, type StoreRecord, type StoreRecordKey } from '../store/store-records.ts'

const atOnce = 32

/** Entries that are there for each certificate that was changed. */
const changesOneAlone: ReadonlySet<FleetEventType> = new Set([
  'issuing',
  'abandoned',
  'registered',
  'revoked',
  'held',
  'released',
  'superseded',
])

/**
 * The certificates that ledger entries tell of, as they are now: those that they name, and the others of the same devices, for a renewal changes what it renews, and that has no entry of its own.
 */
export async function* changedCertificates(
  store: Store,
  entries: readonly LedgerEntry[],
  options: IoOptions,
): AsyncGenerator<readonly StoreRecord[]> {
  const keys = new Map<string, StoreRecordKey>()
  const add = (id: CertificateId): void => {
    const key: StoreRecordKey = { kind: 'certificate', record: { id } }
    keys.set(recordKey(key), key)
  }
  const devices = new Set<string>()
  for (const { event } of entries) {
    if (event.certificate !== undefined) add(event.certificate)
    if (event.deviceId !== undefined && !changesOneAlone.has(event.type)) devices.add(event.deviceId)
  }
  const ids = [...devices]
  for (let from = 0; from < ids.length; from += atOnce) {
    const some = ids.slice(from, from + atOnce)
    const found = await Promise.all(some.map(deviceId => allIds(store, { list: 'device', deviceId }, options)))
    for (const id of found.flat()) add(id)
  }
  yield* byKeys(store, [...keys.values()], options)
}

/** Open reservations as they are now: that their holders live on has no entry in the ledger. */
export async function* openReservations(store: Store, options: IoOptions): AsyncGenerator<readonly StoreRecord[]> {
  const ids = await allIds(store, { list: 'reserved' }, options)
  yield* byKeys(
    store,
    ids.map(id => ({ kind: 'certificate', record: { id } })),
    options,
  )
}

async function allIds(store: Store, query: CertificateQuery, options: IoOptions): Promise<readonly CertificateId[]> {
  const ids: CertificateId[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.certificates(query, { limit: 500, ...(after !== undefined && { after }) }, options)
    ids.push(...page.items.map(({ id }) => id))
    if (page.next === undefined) return ids
    after = page.next
  }
}

async function* byKeys(
  store: Store,
  keys: readonly StoreRecordKey[],
  options: IoOptions,
): AsyncGenerator<readonly StoreRecord[]> {
  for (let from = 0; from < keys.length; from += importLimits.records) {
    const { items } = await store.exportRecords({ keys: keys.slice(from, from + importLimits.records) }, options)
    // In the order of creation, in which stores take them best.
    yield [...items].sort((a, b) => ordinalOf(a) - ordinalOf(b))
  }
}

function ordinalOf(record: StoreRecord): number {
  return record.kind === 'certificate' ? record.ordinal : 0
}
