import { createHash } from 'node:crypto'
import { parsePosition } from '../arguments.ts'
import { recordKey } from '../record-keys.ts'
import type { CrlName, Page } from '../store.ts'
import type {
  CertificateEntry,
  CrlEntry,
  ExportRequest,
  StoreRecord,
  StoreRecordKey,
  StoreRecordKind,
} from '../store-records.ts'
import { type CertificateRow, toRecord } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyCrlHead, type Mutable } from './copies.ts'
import type { CrlTable } from './crl-table.ts'
import type { Documents } from './documents.ts'
import type { Leases } from './leases.ts'
import type { Ledger } from './ledger.ts'
import { octetsOf } from './octets.ts'
import type { Tokens } from './tokens.ts'

/** All that a memory store keeps. */
export interface MemoryTables {
  readonly table: CertificateTable
  readonly tokens: Tokens
  readonly ledger: Ledger
  readonly crls: CrlTable
  readonly documents: Documents
  readonly leases: Leases
}

/** Records of a memory store. Listings but those of certificates and events sort all that there is for each page: they are for stores of thousands. */
export function exportRecords(tables: MemoryTables, request: ExportRequest): Page<StoreRecord> {
  if ('keys' in request) return { items: request.keys.flatMap(key => findRecord(tables, key) ?? []) }
  const { kind, after = '', limit } = request
  if (kind === 'certificate') return pageOfRows(tables.table.rows(), parsePosition(after), limit)
  if (kind === 'event') {
    const items = tables.ledger.records(parsePosition(after), limit + 1)
    if (items.length <= limit) return { items }
    return { items: items.slice(0, limit), next: String(items[limit - 1]!.sequence) }
  }
  return pageByKey(recordsOf(tables, kind), after, limit)
}

/** The next records behind a key, in the order of their keys. */
export function pageByKey(records: Iterable<StoreRecord>, after: string, limit: number): Page<StoreRecord> {
  const rest: (readonly [string, StoreRecord])[] = []
  for (const record of records) {
    const key = recordKey(record)
    if (key > after) rest.push([key, record])
  }
  rest.sort(([a], [b]) => (a < b ? -1 : 1))
  const items = rest.slice(0, limit).map(([, record]) => record)
  return rest.length <= limit ? { items } : { items, next: rest[limit - 1]![0] }
}

function pageOfRows(rows: readonly CertificateRow[], after: number, limit: number): Page<StoreRecord> {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.order <= after) low = middle + 1
    else high = middle
  }
  const items = rows.slice(low, low + limit)
  return {
    items: items.map(toEntry),
    ...(low + limit < rows.length && { next: String(items.at(-1)!.order) }),
  }
}

function* recordsOf(tables: MemoryTables, kind: StoreRecordKind): Generator<StoreRecord> {
  const { table, tokens, ledger, crls, documents, leases } = tables
  switch (kind) {
    case 'head': {
      const newestEventAt = ledger.newestAt()
      const last = { lastOrdinal: table.lastOrder, lastSequence: ledger.lastSequence }
      yield { kind, ...last, ...(newestEventAt && { newestEventAt }) }
      return
    }
    case 'certificate':
      for (const row of table.rows()) yield toEntry(row)
      return
    case 'event':
      yield* ledger.records(0, Number.POSITIVE_INFINITY)
      return
    case 'device':
      for (const [deviceId, { epoch }] of table.devices()) if (epoch > 0) yield { kind, deviceId, epoch }
      return
    case 'blockedKey':
      for (const key of table.blockedKeys()) yield { kind, publicKeyHash: octetsOf(key) }
      return
    case 'token':
      yield* tokens.records()
      return
    case 'document':
      for (const [name, versioned] of documents.all()) yield { kind, name, ...versioned }
      return
    case 'crlScope':
      yield* scopes(tables)
      return
    case 'crl':
      for (const name of crls.names()) yield crlEntry(crls, name)
      return
    case 'crlPart':
      for (const name of crls.names()) {
        const { crlNumber, parts } = crls.current(name)!
        for (const [part, octets] of parts.entries()) {
          yield { kind, ...name, crlNumber, part, octets: new Uint8Array(octets) }
        }
      }
      return
    case 'lease':
      for (const [name, fence] of leases.fences()) yield { kind, name, fence }
      return
    case 'consumer':
      for (const [consumer, sequence] of ledger.consumers()) yield { kind, consumer, sequence }
      return
  }
}

function findRecord(tables: MemoryTables, key: StoreRecordKey): StoreRecord | undefined {
  if (key.kind === 'certificate') {
    const row = tables.table.get(key.record.id)
    return row && toEntry(row)
  }
  if (key.kind === 'event') {
    const [record] = tables.ledger.records(key.sequence - 1, 1)
    return record?.sequence === key.sequence ? record : undefined
  }
  const wanted = recordKey(key)
  for (const record of recordsOf(tables, key.kind)) if (recordKey(record) === wanted) return record
  return undefined
}

function toEntry(row: CertificateRow): CertificateEntry {
  const entry: Mutable<CertificateEntry> = {
    kind: 'certificate',
    ordinal: row.order,
    record: toRecord(row),
    epoch: row.epoch,
  }
  const { supersedes, supersededBy, revocation, revocationOrder, lastChange, releasedAt } = row
  if (row.state === 'reserved' && supersedes !== undefined) {
    entry.supersedes = { ordinal: supersedes.row.order, at: new Date(supersedes.at) }
  }
  if (supersededBy !== undefined) entry.supersededBy = supersededBy.order
  if (revocationOrder !== undefined && lastChange !== undefined) {
    entry.revocation = {
      place: revocationOrder,
      change: lastChange,
      ...(revocation === undefined && releasedAt && { heldAt: heldAt(releasedAt, row.subject.notAfter) }),
    }
  }
  return entry
}

/** As every store can say it: see `RevocationPlace`. */
function heldAt(date: Date, notAfter: number): Date {
  const time = date.getTime()
  return new Date(time > notAfter ? time : Math.floor(time / 1000) * 1000)
}

function* scopes({ table, crls }: MemoryTables): Generator<StoreRecord> {
  const keys = new Map([...table.scopes()].map(([key, { scope }]) => [key, scope]))
  for (const [key, { scope }] of crls.scopes()) keys.set(key, scope)
  for (const [key, scope] of keys) {
    const { lastPlace = 0, lastChange = 0 } = table.scopes().get(key) ?? {}
    const lastNumber = crls.scopes().get(key)?.lastNumber ?? 0n
    yield { kind: 'crlScope', ...scope, lastNumber, lastChange, lastPlace }
  }
}

function crlEntry(crls: CrlTable, name: Required<CrlName>): CrlEntry {
  const crl = crls.current(name)!
  const digest = createHash('sha256')
  for (const part of crl.parts) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    digest.update(length).update(part)
  }
  return {
    kind: 'crl',
    ...name,
    ...copyCrlHead(crl),
    parts: crl.parts.length,
    digest: new Uint8Array(digest.digest()),
  }
}
