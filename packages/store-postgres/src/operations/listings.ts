import type {
  CertificateId,
  CertificateQuery,
  CertificateRecord,
  CertificateState,
  CertificateStatus,
  CrlScope,
  Cursor,
  Page,
  RevokedEntry,
} from '@fleetcert/core'
import {
  assertLimit,
  createdPosition,
  hashText,
  hexOctets,
  parseNumbers,
  parsePosition,
  plainText,
} from '../arguments.ts'
import { decodeRecord, decodeRevocation, recordColumns } from '../certificate-row.ts'
import { dateOf, hexOf, numberOf, type Row, textOf } from '../columns.ts'
import type { Server, Value } from '../server.ts'
import { attributePair } from './subject.ts'

interface PageRequest {
  readonly after?: Cursor
  readonly limit: number
}

export async function certificate(
  server: Server,
  key: CertificateId | { readonly fingerprint: Uint8Array },
): Promise<CertificateRecord | undefined> {
  const [row] =
    'fingerprint' in key
      ? await server.ask('SELECT * FROM @.record_by_fingerprint($1)', key.fingerprint)
      : await server.ask('SELECT * FROM @.record_by_id($1, $2)', ...idOctets(key))
  return row && decodeRecord(row)
}

export async function certificateStatus(server: Server, id: CertificateId): Promise<CertificateStatus | undefined> {
  const [row] = await server.ask('SELECT * FROM @.status_by_id($1, $2)', ...idOctets(id))
  if (row === undefined) return undefined
  const state = textOf(row[0]) as CertificateState
  const revocation = decodeRevocation(row[1], row[2], row[3])
  return revocation === undefined ? { state } : { state, revocation }
}

export async function certificates(
  server: Server,
  query: CertificateQuery,
  page: PageRequest,
): Promise<Page<CertificateRecord>> {
  assertLimit(page.limit)
  const { from, where, order, values } = listing(query, page.after)
  // One more than asked for tells whether there is a next page.
  const rows = await server.ask(
    `SELECT ${recordColumns} FROM ${from} WHERE @.assert_primary() AND ${where} ORDER BY ${order} LIMIT $${values.length + 1}`,
    ...values,
    page.limit + 1,
  )
  const kept = rows.slice(0, page.limit)
  const items = kept.map(decodeRecord)
  return kept.length === rows.length ? { items } : { items, next: cursorOf(query, kept.at(-1)!) }
}

/** Where a listing goes on behind a row. */
function cursorOf(query: CertificateQuery, row: Row): Cursor {
  if (query.list === 'devices') return textOf(row[6])
  const ordinal = numberOf(row[0])
  return query.list === 'created' ? `${numberOf(row[13])}.${ordinal}` : String(ordinal)
}

interface Listing {
  readonly from: string
  readonly where: string
  readonly order: string
  readonly values: readonly Value[]
}

/** A query in SQL, its rows in the order of an index. */
function listing(query: CertificateQuery, after: Cursor | undefined): Listing {
  const byOrdinal = (where: string, ...values: readonly Value[]): Listing => ({
    from: '@.records r',
    where: `${where} AND r.ordinal > $${values.length + 1}`,
    order: 'r.ordinal',
    values: [...values, parsePosition(after)],
  })
  switch (query.list) {
    case 'key':
      return byOrdinal('r.public_key_hash = $1', Buffer.from(hashText(query.publicKeyHash, 'publicKeyHash'), 'hex'))
    case 'owner':
      return byOrdinal('r.owner = $1', plainText(query.owner, 'owner'))
    case 'reserved':
      return byOrdinal('r.instance IS NOT NULL')
    case 'pending':
      return byOrdinal(`r.tbs_certificate IS NOT NULL AND (r.reason IS NULL OR r.reason = 'certificateHold')`)
    case 'attribute':
      return {
        from: '@.certificate_attributes a JOIN @.records r ON r.ordinal = a.ordinal',
        where: 'a.pair = $1 AND a.ordinal > $2',
        order: 'a.ordinal',
        values: [Buffer.from(attributePair(query.name, query.value), 'hex'), parsePosition(after)],
      }
    case 'created': {
      const { createdAt, ordinal } = createdPosition(query, after)
      return {
        from: '@.records r',
        where: `r.role IN ('device', 'service', 'server', 'custom') AND (r.created_at, r.ordinal) > ($1, $2) AND r.created_at < $3`,
        order: 'r.created_at, r.ordinal',
        values: [createdAt, ordinal, query.before.getTime()],
      }
    }
    case 'device':
      return {
        from: '@.records r',
        where: 'r.device = (SELECT d.device FROM @.devices d WHERE d.device_id = $1) AND r.ordinal < $2',
        order: 'r.ordinal DESC',
        values: [plainText(query.deviceId, 'deviceId'), parsePosition(after) || Number.MAX_SAFE_INTEGER],
      }
    case 'devices':
      return {
        from: '@.devices d JOIN @.records r ON r.ordinal = d.newest',
        where: `d.device_id > $1 AND ($2::text IS NULL OR d.owner = $2) AND ($3::text IS NULL OR d.role = $3)
          AND ($4::bigint IS NULL OR d.not_after < $4)`,
        order: 'd.device_id',
        values: [
          plainText(after ?? '', 'after'),
          query.owner === undefined ? null : plainText(query.owner, 'owner'),
          query.role ?? null,
          query.expiringBefore?.getTime() ?? null,
        ],
      }
  }
}

export async function revoked(server: Server, scope: CrlScope, page: PageRequest): Promise<Page<RevokedEntry>> {
  assertLimit(page.limit)
  const issuer = hexOctets(scope.issuerKeyId, 'issuerKeyId')
  const [given, last = 0] = parseNumbers(page.after, 2) ?? []
  const bound = given ?? (await lastPlace(server, issuer, scope.shard))
  const rows = await server.ask(
    `SELECT c.serial_number, c.not_after, c.revocation_date, c.reason, c.invalidity_date, e.place
     FROM @.crl_entries e JOIN @.certificates c ON c.ordinal = e.ordinal
     WHERE @.assert_primary() AND e.place > $3 AND e.place <= $4 AND e.held_at IS NULL
       AND e.scope = (SELECT s.scope FROM @.crl_scopes s WHERE s.issuer_key_id = $1 AND s.shard = $2)
     ORDER BY e.place LIMIT $5`,
    issuer,
    scope.shard,
    last,
    bound,
    page.limit + 1,
  )
  const kept = rows.slice(0, page.limit)
  const items = kept.map(([serial, notAfter, date, reason, invalidityDate]) => ({
    serialNumber: hexOf(serial),
    revocation: decodeRevocation(date, reason, invalidityDate)!,
    notAfter: dateOf(notAfter),
  }))
  return kept.length === rows.length ? { items } : { items, next: `${bound}.${numberOf(kept.at(-1)![5])}` }
}

async function lastPlace(server: Server, issuer: Buffer, shard: number): Promise<number> {
  const [row] = await server.ask(
    'SELECT s.last_place FROM @.crl_scopes s WHERE @.assert_primary() AND s.issuer_key_id = $1 AND s.shard = $2',
    issuer,
    shard,
  )
  return row === undefined ? 0 : numberOf(row[0])
}

function idOctets(id: CertificateId): readonly [Buffer, Buffer] {
  return [hexOctets(id.issuerKeyId, 'issuerKeyId'), hexOctets(id.serialNumber, 'serialNumber')]
}
