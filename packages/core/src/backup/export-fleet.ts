import { fromHex, type IoOptions, PkiError } from '@fleetcert/x509'
import { listAll } from '../fleet/list-all.ts'
import { recordKey } from '../store/record-keys.ts'
import type { CertificateId, Cursor, Store } from '../store/store.ts'
import type {
  CrlEntry,
  HeadRecord,
  LedgerEntry,
  StoreRecord,
  StoreRecordKey,
  StoreRecordKind,
  TransferStore,
} from '../store/store-records.ts'

// Half a thousand certificates are read and encoded in less than 10 ms, or packed by the store in one: so long nothing else runs in this process.
const pageRecords = 500
const packedRows = 500
/** Of a page of certificates that are all as large as may be, half is asked for. */
const largestPacked = 8 * 1024 * 1024
/** Below what a store answers at once. */
const keysAtOnce = 500
/** The largest parts of a CRL are 1 MiB. */
const partsAtOnce = 4
/** A round takes some milliseconds, and ends the export where nothing has changed in it. */
const mostRounds = 200

/** A page of records: as they are, or as the store has packed them. */
export type ExportedPage =
  | { readonly records: readonly StoreRecord[] }
  | { readonly kind: 'certificate' | 'event'; readonly packed: Uint8Array; readonly count: number }

/**
 * All that a store has, page by page, while it is in use. What the ledger shows to have changed meanwhile comes again, as it is then, so that the last of each is of one moment: the ledger and the rows say the same.
 * Where thousands of changes a second leave no such moment for hundreds of rounds, rows may be some milliseconds ahead of the ledger, and never behind it.
 *
 * The order is that of the imports: certificates, ledger, the rest; then again certificates, ledger, the rest; and the head last.
 */
export async function* exportFleet(store: Store, options: IoOptions): AsyncGenerator<ExportedPage, void, void> {
  const listing = (kind: StoreRecordKind): AsyncGenerator<ExportedPage, void, void> =>
    asPages(list(store, kind, options))
  const { lastSequence: begun } = await headOf(store, options)
  if (store.exportPacked === undefined) yield* listing('certificate')
  else yield* packed(store, 'certificate', undefined, options)
  for (const kind of ['device', 'blockedKey', 'token'] as const) yield* listing(kind)

  const ledger = followingLedger(store, options)
  if (store.exportPacked !== undefined) ledger.goOn(yield* packed(store, 'event', begun, options), begun)
  const crls = changedCrls(store, options)
  for (let round = 0; ; round += 1) {
    const touched = createTouched(store, options)
    for await (const entries of ledger.next()) {
      yield { records: entries }
      yield* asPages(touched.after(entries.filter(({ sequence }) => sequence > begun)))
    }
    yield* asPages(touched.rest())
    for (const kind of ['document', 'crlScope', 'lease', 'consumer'] as const) yield* listing(kind)
    yield* asPages(crls.next())
    const head = await headOf(store, options)
    if (head.lastSequence === ledger.last || round === mostRounds) {
      yield { records: [head] }
      return
    }
  }
}

async function* asPages(pages: AsyncIterable<readonly StoreRecord[]>): AsyncGenerator<ExportedPage, void, void> {
  for await (const records of pages) yield { records }
}

/** A listing as the store packs it, from its beginning; returns where it has come to. */
async function* packed(
  store: TransferStore,
  kind: 'certificate' | 'event',
  through: number | undefined,
  options: IoOptions,
): AsyncGenerator<ExportedPage, Cursor, void> {
  let after = ''
  let limit = packedRows
  for (;;) {
    const request = { kind, after, limit, ...(through === undefined ? {} : { through }) }
    const page = await store.exportPacked!(request, options)
    if (page.packed.length > largestPacked && limit > 1) {
      limit = Math.ceil(limit / 2)
      continue
    }
    limit = packedRows
    if (page.count > 0) yield { kind, packed: page.packed, count: page.count }
    if (page.records.length > 0) yield { records: page.records }
    after = page.next
    if (page.isLast) return after
  }
}

async function* list(
  store: TransferStore,
  kind: StoreRecordKind,
  options: IoOptions,
): AsyncGenerator<readonly StoreRecord[], void, void> {
  let after: string | undefined
  do {
    const request = { kind, limit: pageRecords, ...(after === undefined ? {} : { after }) }
    const page = await store.exportRecords(request, options)
    if (page.items.length > 0) yield page.items
    after = page.next
  } while (after !== undefined)
}

async function byKeys(
  store: TransferStore,
  keys: readonly StoreRecordKey[],
  options: IoOptions,
): Promise<readonly StoreRecord[]> {
  return (await store.exportRecords({ keys }, options)).items
}

async function headOf(store: TransferStore, options: IoOptions): Promise<HeadRecord> {
  const [head] = await byKeys(store, [{ kind: 'head' }], options)
  if (head?.kind !== 'head') throw new PkiError('ERR_PKI_STORE_CORRUPT', { reason: 'the store has no head' })
  return head
}

/** The ledger from its beginning, in as many goes as are asked for; each entry once. */
function followingLedger(store: TransferStore, options: IoOptions) {
  let after: string | undefined
  let last = 0
  return {
    /** Sequence number of the last entry that was given. */
    get last(): number {
      return last
    },
    /** What lies before that cursor, up to that number, was given otherwise. */
    goOn(cursor: Cursor, sequence: number): void {
      after = cursor
      last = sequence
    },
    async *next(): AsyncGenerator<readonly LedgerEntry[], void, void> {
      // The last page names no next one: what has come behind it meanwhile is found by asking for it again.
      for (;;) {
        const page = await store.exportRecords(
          { kind: 'event', limit: pageRecords, ...(after === undefined ? {} : { after }) },
          options,
        )
        const entries = page.items.filter(
          (record): record is LedgerEntry => record.kind === 'event' && record.sequence > last,
        )
        last = entries.at(-1)?.sequence ?? last
        if (entries.length > 0) yield entries
        if (page.next === undefined) return
        after = page.next
      }
    },
  }
}

/** Gives again what entries of the ledger are about: the certificates that they name, and all of the devices that they name, for a renewal changes the one before, too. */
function createTouched(store: Store, options: IoOptions) {
  const keys = new Map<string, StoreRecordKey>()
  const add = (key: StoreRecordKey): void => void keys.set(recordKey(key), key)
  const addId = (id: CertificateId): void => add({ kind: 'certificate', record: { id } })
  const addDevice = async (deviceId: string): Promise<void> => {
    const device: StoreRecordKey = { kind: 'device', deviceId }
    if (keys.has(recordKey(device))) return
    add(device)
    for await (const { id } of listAll(store, { list: 'device', deviceId }, undefined, options)) addId(id)
  }
  const take = async function* (least: number): AsyncGenerator<readonly StoreRecord[], void, void> {
    while (keys.size > least) {
      const chunk = [...keys].slice(0, keysAtOnce)
      for (const [name] of chunk) keys.delete(name)
      yield await byKeys(
        store,
        chunk.map(([, key]) => key),
        options,
      )
    }
  }
  return {
    async *after(entries: readonly LedgerEntry[]): AsyncGenerator<readonly StoreRecord[], void, void> {
      for (const { event } of entries) {
        if (event.certificate !== undefined) addId(event.certificate)
        if (event.deviceId !== undefined) await addDevice(event.deviceId)
        const hash = event.type === 'keyBlocked' ? event.details?.['publicKeyHash'] : undefined
        if (typeof hash === 'string') add({ kind: 'blockedKey', publicKeyHash: fromHex(hash) })
      }
      yield* take(keysAtOnce)
    },
    rest: () => take(0),
  }
}

/** Each current CRL, again where it is another than at the last go. One that is replaced while its parts are read comes again at the next. */
function changedCrls(store: TransferStore, options: IoOptions) {
  const given = new Map<string, bigint>()
  return {
    async *next(): AsyncGenerator<readonly StoreRecord[], void, void> {
      for await (const page of list(store, 'crl', options)) {
        for (const head of page) {
          if (head.kind !== 'crl' || given.get(recordKey(head)) === head.crlNumber) continue
          given.set(recordKey(head), head.crlNumber)
          yield [head]
          yield* partsOf(store, head, options)
        }
      }
    },
  }
}

async function* partsOf(
  store: TransferStore,
  { issuerKeyId, shard, delta, crlNumber, parts }: CrlEntry,
  options: IoOptions,
): AsyncGenerator<readonly StoreRecord[], void, void> {
  for (let first = 0; first < parts; first += partsAtOnce) {
    const count = Math.min(partsAtOnce, parts - first)
    const keys = Array.from({ length: count }, (_, index): StoreRecordKey => {
      return { kind: 'crlPart', issuerKeyId, shard, delta, crlNumber, part: first + index }
    })
    const found = await byKeys(store, keys, options)
    if (found.length > 0) yield found
    if (found.length < count) return
  }
}
