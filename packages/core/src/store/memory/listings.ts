import { formatRevokedPosition, parsePosition, parseRevokedPosition } from '../arguments.ts'
import type { CertificateQuery, CertificateRecord, CrlScope, Cursor, Page, RevokedEntry } from '../store.ts'
import { type CertificateRow, isRevokedForGood, toRecord } from './certificate-row.ts'
import type { CertificateTable } from './certificate-table.ts'
import { copyDate, copyRevocation } from './copies.ts'

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
      notAfter: copyDate(row.subject.notAfter),
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
      (query.expiringBefore === undefined || newest.subject.notAfter < query.expiringBefore)
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

function take(
  rows: Iterable<CertificateRow>,
  limit: number,
  cursor: (row: CertificateRow) => Cursor,
): Page<CertificateRecord> {
  const taken: CertificateRow[] = []
  for (const row of rows) {
    if (taken.length === limit) return { items: taken.map(toRecord), next: cursor(taken.at(-1)!) }
    taken.push(row)
  }
  return { items: taken.map(toRecord) }
}

/** Index of the first row whose revocation order is greater than `order`: a binary search. */
function firstAfter(rows: readonly CertificateRow[], order: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.revocationOrder! <= order) low = middle + 1
    else high = middle
  }
  return low
}
