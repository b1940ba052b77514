import {
  assertHash,
  createdPosition,
  formatCreatedPosition,
  formatRevokedPosition,
  parsePosition,
  parseRevokedPosition,
} from '../arguments.ts'
import type {
  CertificateQuery,
  CertificateRecord,
  CrlScope,
  Cursor,
  Page,
  RevocationQuery,
  RevokedEntry,
} from '../store.ts'
import { type CertificateRow, isRevokedForGood, toRecord } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyRevocation } from './copies.ts'
import { positionOf } from './query-indexes.ts'

interface PageRequest {
  readonly after?: Cursor
  readonly limit: number
}

export function listCertificates(
  table: CertificateTable,
  query: CertificateQuery,
  page: PageRequest,
): Page<CertificateRecord> {
  if (query.list === 'devices') {
    return take(newestOfDevices(table, query, page.after ?? ''), page.limit, row => row.subject.deviceId!)
  }
  if (query.list !== 'device' && query.list !== 'reserved' && query.list !== 'pending') {
    const { items, ...rest } = listRows(table, query, page)
    return { items: items.map(toRecord), ...rest }
  }
  const after = parsePosition(page.after)
  const key = (row: CertificateRow): Cursor => String(row.order)
  if (query.list === 'device') {
    const rows = newestFirst(table.device(query.deviceId)?.rows ?? [])
    return take(
      filter(rows, row => after === 0 || row.order < after),
      page.limit,
      key,
    )
  }
  if (query.list === 'reserved') {
    return take(
      filter(table.reserved(), row => row.order > after),
      page.limit,
      key,
    )
  }
  return take(
    filter(table.pending(), row => row.order > after && !isRevokedForGood(row)),
    page.limit,
    key,
  )
}

/** One page of the rows of a query. */
export function listRows(table: CertificateTable, query: RevocationQuery, page: PageRequest): Page<CertificateRow> {
  if (query.list === 'key') assertHash(query.publicKeyHash, 'publicKeyHash')
  if (query.list !== 'created') {
    const rows = table.queries.rows(query)
    return takeRows(behind(rows, parsePosition(page.after)), page.limit, row => String(row.order))
  }
  const rows = table.queries.createdAfter(createdPosition(query, page.after))
  return takeRows(until(rows, query.before), page.limit, row => formatCreatedPosition(positionOf(row)))
}

export function listRevoked(table: CertificateTable, scope: CrlScope, page: PageRequest): Page<RevokedEntry> {
  const rows = table.revoked(scope)
  const position = parseRevokedPosition(page.after)
  const bound = position?.bound ?? rows.at(-1)?.revocationOrder ?? 0
  const items: RevokedEntry[] = []
  let last = position?.last ?? 0
  for (let index = firstAfter(rows, last); index < rows.length; index++) {
    const row = rows[index]!
    if (row.revocationOrder! > bound) break
    if (row.revocation === undefined) continue
    if (items.length === page.limit) return { items, next: formatRevokedPosition({ bound, last }) }
    last = row.revocationOrder!
    items.push({
      serialNumber: row.subject.id.serialNumber,
      revocation: copyRevocation(row.revocation),
      notAfter: new Date(row.subject.notAfter),
    })
  }
  return { items }
}

function* newestOfDevices(
  table: CertificateTable,
  query: Extract<CertificateQuery, { list: 'devices' }>,
  after: Cursor,
): Generator<CertificateRow> {
  for (const [, { newest }] of table.devicesAfter(after)) {
    if (
      newest !== undefined &&
      (query.owner === undefined || newest.subject.owner === query.owner) &&
      (query.role === undefined || newest.subject.role === query.role) &&
      (query.expiringBefore === undefined || newest.subject.notAfter < query.expiringBefore.getTime())
    ) {
      yield newest
    }
  }
}

function* newestFirst(rows: readonly CertificateRow[]): Generator<CertificateRow> {
  for (let index = rows.length - 1; index >= 0; index--) yield rows[index]!
}

function* filter(rows: Iterable<CertificateRow>, test: (row: CertificateRow) => boolean): Generator<CertificateRow> {
  for (const row of rows) if (test(row)) yield row
}

/** Those behind an order, of rows in that order. */
function* behind(rows: readonly CertificateRow[], order: number): Generator<CertificateRow> {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.order <= order) low = middle + 1
    else high = middle
  }
  for (; low < rows.length; low++) yield rows[low]!
}

function* until(rows: Iterable<CertificateRow>, before: Date): Generator<CertificateRow> {
  for (const row of rows) {
    if (row.subject.createdAt >= before.getTime()) return
    yield row
  }
}

function take(
  rows: Iterable<CertificateRow>,
  limit: number,
  cursor: (row: CertificateRow) => Cursor,
): Page<CertificateRecord> {
  const { items, ...rest } = takeRows(rows, limit, cursor)
  return { items: items.map(toRecord), ...rest }
}

function takeRows(
  rows: Iterable<CertificateRow>,
  limit: number,
  cursor: (row: CertificateRow) => Cursor,
): Page<CertificateRow> {
  const items: CertificateRow[] = []
  for (const row of rows) {
    if (items.length === limit) return { items, next: cursor(items.at(-1)!) }
    items.push(row)
  }
  return { items }
}

/** Index of the first row whose revocation order is greater than `order`: a binary search. */
export function firstAfter(rows: readonly CertificateRow[], order: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.revocationOrder! <= order) low = middle + 1
    else high = middle
  }
  return low
}
