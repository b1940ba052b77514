import type {
  CertificateId,
  CertificateQuery,
  CertificateRecord,
  CertificateStatus,
  CrlScope,
  Cursor,
  Page,
  RevocationQuery,
  RevokedEntry,
} from '@fleetcert/core'
import {
  assertHash,
  assertLimit,
  createdPosition,
  idOctets,
  octetsOf,
  parsePosition,
  parseRevokedPosition,
} from '../arguments.ts'
import {
  type CertificateRow,
  certificateColumns,
  type RevocationColumns,
  rowOf,
  toHex,
  toRecord,
  toRevocation,
} from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import type { SqliteValue } from '../sqlite-database.ts'

interface PageRequest {
  readonly after?: Cursor
  readonly limit: number
}

const byFingerprint = `SELECT ${certificateColumns} FROM certificates c WHERE c.fingerprint = ?`
const byId = `SELECT ${certificateColumns} FROM certificates c WHERE c.issuer_key_id = ? AND c.serial_number = ?`

export function certificate(
  sql: Sql,
  key: CertificateId | { readonly fingerprint: Uint8Array },
): CertificateRecord | undefined {
  const values = 'fingerprint' in key ? sql.values(byFingerprint, key.fingerprint) : sql.values(byId, ...idOctets(key))
  return values && toRecord(rowOf(values))
}

export function certificateStatus(sql: Sql, id: CertificateId): CertificateStatus | undefined {
  const row = sql.get<RevocationColumns & Pick<CertificateRow, 'state'>>(
    'SELECT state, revocation_date, reason, invalidity_date FROM certificates WHERE issuer_key_id = ? AND serial_number = ?',
    ...idOctets(id),
  )
  if (row === undefined) return undefined
  const revocation = toRevocation(row)
  return revocation === undefined ? { state: row.state } : { state: row.state, revocation }
}

export function certificates(sql: Sql, query: CertificateQuery, page: PageRequest): Page<CertificateRecord> {
  assertLimit(page.limit)
  // One more than asked for tells whether there is a next page.
  const rows = select(sql, query, page.after, page.limit + 1)
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  if (last === undefined || rows.length === items.length) return { items: items.map(toRecord) }
  return { items: items.map(toRecord), next: query.list === 'devices' ? last.device_id! : cursorOf(query, last) }
}

/** Where a listing by ordinal, or by date, goes on behind a row. */
export function cursorOf(
  query: CertificateQuery,
  row: { readonly ordinal: number; readonly created_at: number },
): Cursor {
  return query.list === 'created' ? `${row.created_at}.${row.ordinal}` : String(row.ordinal)
}

/** The rows of a query behind a cursor, of the table `certificates c`; each by an index that holds them in the order of the listing. */
export function selectRows<Row>(
  sql: Sql,
  columns: string,
  query: RevocationQuery,
  after: Cursor | undefined,
  limit: number,
): Row[] {
  switch (query.list) {
    case 'key':
      assertHash(query.publicKeyHash, 'publicKeyHash')
      return sql.all<Row>(
        `SELECT ${columns} FROM certificates c WHERE c.public_key_hash = ? AND c.ordinal > ? ORDER BY c.ordinal LIMIT ?`,
        query.publicKeyHash,
        parsePosition(after),
        limit,
      )
    case 'owner':
      return sql.all<Row>(
        `SELECT ${columns} FROM certificates c WHERE c.owner = ? AND c.ordinal > ? ORDER BY c.ordinal LIMIT ?`,
        query.owner,
        parsePosition(after),
        limit,
      )
    case 'attribute':
      return sql.all<Row>(
        `SELECT ${columns} FROM certificate_attributes a CROSS JOIN certificates c ON c.ordinal = a.ordinal
         WHERE a.name = ? AND a.value = ? AND a.ordinal > ? ORDER BY a.ordinal LIMIT ?`,
        query.name,
        query.value,
        parsePosition(after),
        limit,
      )
    case 'created': {
      const { createdAt, ordinal } = createdPosition(query, after)
      const before = query.before.getTime()
      const rows = `SELECT ${columns} FROM certificates c
        WHERE c.role IN ('device', 'service', 'server', 'custom') AND c.created_at < ?`
      // The rest of that moment, then what came later: a comparison of pairs would read all of the moment on every page.
      return sql.all<Row>(
        `${rows} AND c.created_at = ? AND c.ordinal > ? UNION ALL ${rows} AND c.created_at > ?
         ORDER BY created_at, ordinal LIMIT ?`,
        before,
        createdAt,
        ordinal,
        before,
        createdAt,
        limit,
      )
    }
  }
}

export function revoked(sql: Sql, scope: CrlScope, page: PageRequest): Page<RevokedEntry> {
  assertLimit(page.limit)
  const issuerKeyId = octetsOf(scope.issuerKeyId, 'issuerKeyId')
  const position = parseRevokedPosition(page.after)
  const bound = position?.bound ?? lastRevocation(sql, issuerKeyId, scope.shard)
  const rows = sql.all<RevocationColumns & { serial_number: Uint8Array; not_after: number; revocation_order: number }>(
    `SELECT serial_number, not_after, revocation_order, revocation_date, reason, invalidity_date FROM certificates
     WHERE issuer_key_id = ? AND shard = ? AND revocation_order > ? AND revocation_order <= ?
       AND revocation_date IS NOT NULL
     ORDER BY revocation_order LIMIT ?`,
    issuerKeyId,
    scope.shard,
    position?.last ?? 0,
    bound,
    page.limit + 1,
  )
  const kept = rows.slice(0, page.limit)
  const items = kept.map(row => ({
    serialNumber: toHex(row.serial_number),
    revocation: toRevocation(row)!,
    notAfter: new Date(row.not_after),
  }))
  return kept.length === rows.length ? { items } : { items, next: `${bound}.${kept.at(-1)!.revocation_order}` }
}

function lastRevocation(sql: Sql, issuerKeyId: Uint8Array, shard: number): number {
  const row = sql.get<{ last: number | null }>(
    `SELECT max(revocation_order) AS last FROM certificates
     WHERE issuer_key_id = ? AND shard = ? AND revocation_order IS NOT NULL`,
    issuerKeyId,
    shard,
  )
  return row?.last ?? 0
}

function select(sql: Sql, query: CertificateQuery, after: Cursor | undefined, limit: number): CertificateRow[] {
  if (query.list === 'key' || query.list === 'owner' || query.list === 'attribute' || query.list === 'created') {
    return selectRows<CertificateRow>(sql, certificateColumns, query, after, limit)
  }
  if (query.list === 'device') {
    return sql.all<CertificateRow>(
      `SELECT ${certificateColumns} FROM certificates c
       WHERE c.device = (SELECT device FROM devices WHERE device_id = ?) AND c.ordinal < ? ORDER BY c.ordinal DESC LIMIT ?`,
      query.deviceId,
      parsePosition(after) || Number.MAX_SAFE_INTEGER,
      limit,
    )
  }
  if (query.list === 'reserved') {
    return sql.all<CertificateRow>(
      `SELECT ${certificateColumns} FROM certificates c INDEXED BY certificates_pending
       WHERE c.state = 'reserved' AND c.fingerprint IS NULL AND c.ordinal > ? ORDER BY c.ordinal LIMIT ?`,
      parsePosition(after),
      limit,
    )
  }
  if (query.list === 'pending') {
    const position = parsePosition(after)
    const ofState = (state: 'reserved' | 'abandoned'): string =>
      `SELECT ${certificateColumns} FROM certificates c INDEXED BY certificates_pending
       WHERE c.state = '${state}' AND c.fingerprint IS NULL AND (c.reason IS NULL OR c.reason = 'certificateHold')
         AND c.ordinal > ?`
    return sql.all<CertificateRow>(
      `${ofState('reserved')} UNION ALL ${ofState('abandoned')} ORDER BY ordinal LIMIT ?`,
      position,
      position,
      limit,
    )
  }
  const filters: string[] = []
  const values: SqliteValue[] = [after ?? '']
  const narrow = (filter: string, value: SqliteValue | undefined): void => {
    if (value === undefined) return
    filters.push(` AND ${filter}`)
    values.push(value)
  }
  narrow('d.owner = ?', query.owner)
  narrow('d.role = ?', query.role)
  narrow('d.not_after < ?', query.expiringBefore?.getTime())
  return sql.all<CertificateRow>(
    `SELECT ${certificateColumns} FROM devices d JOIN certificates c ON c.ordinal = d.newest
     WHERE d.device_id > ?${filters.join('')} ORDER BY d.device_id LIMIT ?`,
    ...values,
    limit,
  )
}
