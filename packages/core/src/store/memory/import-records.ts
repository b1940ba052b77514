import { decodeStoreRecord, encodeStoreRecord } from '../record-codec.ts'
import { recordKey } from '../record-keys.ts'
import { badRecord } from '../record-octets.ts'
import type { Page } from '../store.ts'
import type {
  CertificateEntry,
  CrlEntry,
  CrlPartEntry,
  ExportRequest,
  StoreRecord,
  StoreRecordKind,
} from '../store-records.ts'
import { type CertificateRow, newRow, storedSubject } from './certificate-row.ts'
import { type MemoryTables, pageByKey } from './export-records.ts'
import { toOctets } from './octets.ts'

/** What was imported and is not whole yet, by keys. */
export class ImportedRecords {
  readonly #records = new Map<string, StoreRecord>()
  /** Who has an ordinal, and who a fingerprint. */
  readonly #owners = new Map<string, string>()

  /** All of them or none. */
  add(records: readonly StoreRecord[]): void {
    const undo: (() => void)[] = []
    try {
      for (const record of records) this.#add(decodeStoreRecord(encodeStoreRecord(record)), undo)
    } catch (error) {
      for (const step of undo.reverse()) step()
      throw error
    }
  }

  export(request: ExportRequest): Page<StoreRecord> {
    const copy = (record: StoreRecord): StoreRecord => decodeStoreRecord(encodeStoreRecord(record))
    if ('keys' in request) {
      return { items: request.keys.flatMap(key => this.#records.get(recordKey(key)) ?? []).map(copy) }
    }
    const { items, ...rest } = pageByKey(this.of(request.kind), request.after ?? '', request.limit)
    return { items: items.map(copy), ...rest }
  }

  *of<Kind extends StoreRecordKind>(kind: Kind): Generator<Extract<StoreRecord, { kind: Kind }>> {
    for (const record of this.#records.values()) {
      if (record.kind === kind) yield record as Extract<StoreRecord, { kind: Kind }>
    }
  }

  #add(record: StoreRecord, undo: (() => void)[]): void {
    const key = recordKey(record)
    const former = this.#records.get(key)
    if (record.kind === 'certificate') this.#claim(record, key, former, undo)
    if (record.kind === 'crlPart') this.#assertPart(record)
    if (record.kind === 'crl') this.#dropParts(record, undo)
    this.#set(this.#records, key, merged(former, record), undo)
  }

  #claim(entry: CertificateEntry, key: string, former: StoreRecord | undefined, undo: (() => void)[]): void {
    if (former?.kind === 'certificate' && former.ordinal !== entry.ordinal) {
      throw badRecord('certificate', 'its id has another ordinal')
    }
    const { fingerprint } = entry.record
    for (const name of [`ordinal ${entry.ordinal}`, ...(fingerprint ? [`fingerprint ${toOctets(fingerprint)}`] : [])]) {
      if ((this.#owners.get(name) ?? key) !== key) {
        throw badRecord('certificate', 'another certificate has its ordinal or its fingerprint')
      }
      this.#set(this.#owners, name, key, undo)
    }
  }

  #assertPart({ kind, octets: _, part, ...name }: CrlPartEntry): void {
    const crl = this.#records.get(recordKey({ ...name, kind: 'crl' }))
    if (crl?.kind !== 'crl' || crl.crlNumber !== name.crlNumber || part >= crl.parts) {
      throw badRecord(kind, 'it is no part of the current CRL')
    }
  }

  #dropParts(crl: CrlEntry, undo: (() => void)[]): void {
    const former = this.#records.get(recordKey(crl))
    if (former?.kind !== 'crl' || former.crlNumber === crl.crlNumber) return
    for (let part = 0; part < former.parts; part++) {
      const key = recordKey({ ...former, kind: 'crlPart', part })
      const octets = this.#records.get(key)
      if (octets === undefined) continue
      this.#records.delete(key)
      undo.push(() => this.#records.set(key, octets))
    }
  }

  #set<Value>(map: Map<string, Value>, key: string, value: Value, undo: (() => void)[]): void {
    const former = map.get(key)
    map.set(key, value)
    undo.push(() => (former === undefined ? map.delete(key) : map.set(key, former)))
  }
}

const later = (a: Date | undefined, b: Date | undefined): Date | undefined => (a === undefined || (b && b > a) ? b : a)

function greater(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

/** Counters never go back. */
function merged(former: StoreRecord | undefined, record: StoreRecord): StoreRecord {
  if (former === undefined) return record
  if (former.kind === 'head' && record.kind === 'head') {
    const newestEventAt = later(former.newestEventAt, record.newestEventAt)
    return {
      kind: 'head',
      lastOrdinal: Math.max(former.lastOrdinal, record.lastOrdinal),
      lastSequence: Math.max(former.lastSequence, record.lastSequence),
      ...(newestEventAt && { newestEventAt }),
    }
  }
  if (former.kind === 'device' && record.kind === 'device') return former.epoch > record.epoch ? former : record
  if (former.kind === 'lease' && record.kind === 'lease') return former.fence > record.fence ? former : record
  if (former.kind === 'crlScope' && record.kind === 'crlScope') {
    return {
      ...record,
      lastNumber: greater(former.lastNumber, record.lastNumber),
      lastChange: Math.max(former.lastChange, record.lastChange),
      lastPlace: Math.max(former.lastPlace, record.lastPlace),
    }
  }
  if (former.kind === 'event' && Buffer.compare(encodeStoreRecord(former), encodeStoreRecord(record)) !== 0) {
    throw badRecord('event', 'another event has its sequence number')
  }
  return record
}

/** Makes a store of what was imported. Its tables are empty, but for leases. */
export function restoreTables(tables: MemoryTables, imported: ImportedRecords): void {
  const { table, tokens, ledger, crls, documents, leases } = tables
  const rows = restoreRows(tables, imported)
  for (const { deviceId, epoch } of imported.of('device')) table.openDevice(deviceId).epoch = epoch
  for (const { publicKeyHash } of imported.of('blockedKey')) table.blockKey(toOctets(publicKeyHash))
  for (const { token, epoch, spentBy } of imported.of('token')) {
    tokens.restore(token, epoch, spentBy === undefined ? undefined : (rows.get(spentBy) ?? missingRow(spentBy)))
  }
  for (const { name, value, version } of imported.of('document')) documents.restore(name, { value, version })
  for (const scope of imported.of('crlScope')) {
    if (scope.lastChange > 0) table.restoreScope(scope, scope)
    crls.restoreNumber(scope, scope.lastNumber)
  }
  const parts = Map.groupBy(imported.of('crlPart'), part => recordKey({ ...part, kind: 'crl' }))
  for (const { kind, digest: _, parts: count, ...crl } of imported.of('crl')) {
    const own = (parts.get(recordKey({ ...crl, kind })) ?? []).sort((a, b) => a.part - b.part)
    if (own.length !== count) throw badRecord('crl', 'parts of it are missing')
    const { delta, issuerKeyId, shard, ...head } = crl
    crls.put({ delta, issuerKeyId, shard }, { ...head, parts: own.map(({ octets }) => octets) })
  }
  for (const { name, fence } of imported.of('lease')) leases.restore(name, fence)
  const events = [...imported.of('event')].sort((a, b) => a.sequence - b.sequence)
  const [head] = imported.of('head')
  ledger.restore(events, head?.newestEventAt)
  for (const { consumer, sequence } of imported.of('consumer')) ledger.restoreConsumer(consumer, sequence)
  table.restoreLastOrder(Math.max(head?.lastOrdinal ?? 0, ...[...rows.keys()].slice(-1)))
}

function restoreRows({ table }: MemoryTables, imported: ImportedRecords): ReadonlyMap<number, CertificateRow> {
  const entries = [...imported.of('certificate')].sort((a, b) => a.ordinal - b.ordinal)
  const rows = new Map<number, CertificateRow>()
  const at = (ordinal: number): CertificateRow => rows.get(ordinal) ?? missingRow(ordinal)
  for (const entry of entries) {
    const row = toRow(entry, at)
    rows.set(entry.ordinal, row)
    table.insert(row)
    if (row.supersedes !== undefined) row.supersedes.row.renewedBy = row
  }
  for (const { ordinal, supersededBy } of entries) {
    if (supersededBy !== undefined) rows.get(ordinal)!.supersededBy = at(supersededBy)
  }
  const revoked = entries.filter(({ revocation }) => revocation !== undefined)
  revoked.sort((a, b) => a.revocation!.place - b.revocation!.place)
  for (const { ordinal } of revoked) table.restoreRevocation(rows.get(ordinal)!)
  return rows
}

function toRow(entry: CertificateEntry, at: (ordinal: number) => CertificateRow): CertificateRow {
  const { record, supersedes, revocation } = entry
  const row = newRow({
    order: entry.ordinal,
    subject: storedSubject(record),
    state: record.state,
    epoch: entry.epoch,
    der: record.der && toOctets(record.der),
    tbsCertificate: record.tbsCertificate && toOctets(record.tbsCertificate),
    fingerprint: record.fingerprint && toOctets(record.fingerprint),
    holder: record.holder,
    supersedes: supersedes && { row: at(supersedes.ordinal), at: supersedes.at },
  })
  row.revocation = record.revocation
  row.revocationOrder = revocation?.place
  row.lastChange = revocation?.change
  row.releasedAt = revocation?.heldAt
  row.supersededAt = record.supersededAt
  return row
}

/** Stands for a row that was dropped since: it is in no table. */
function missingRow(order: number): CertificateRow {
  const subject = storedSubject({
    id: { issuerKeyId: '', serialNumber: '' },
    role: 'custom',
    profile: '',
    publicKeyHash: new Uint8Array(),
    notBefore: new Date(0),
    notAfter: new Date(0),
    shard: 0,
    createdAt: new Date(0),
  })
  return newRow({ order, subject, state: 'abandoned', epoch: 0 })
}
