import type { CrlEntriesPage, CrlEntriesQuery, CrlScope, Cursor } from '@fleetcert/core'
import { assertEntriesLimit, octetsOf, parseChange, parseCrlEntriesPosition } from '../arguments.ts'
import { toOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { storeCorrupt } from '../store-failure.ts'

interface Row {
  readonly entries: Uint8Array | null
  readonly changes: Uint8Array | null
  readonly octets: number
}

const nothing = new Uint8Array()

export function crlEntries(
  sql: Sql,
  { issuerKeyId, shard }: CrlScope,
  { without, changedSince }: CrlEntriesQuery,
  page: { readonly after?: Cursor; readonly limit: number },
): CrlEntriesPage {
  assertEntriesLimit(page.limit)
  const position = parseCrlEntriesPosition(page.after)
  const found = sql.get<{ scope: number; last_change: number }>(
    'SELECT scope, last_change FROM crl_scopes WHERE issuer_key_id = ? AND shard = ?',
    octetsOf(issuerKeyId, 'issuerKeyId'),
    shard,
  )
  const latest = found?.last_change ?? 0
  const unchangedSince = without === undefined ? -1 : parseChange(without.unchangedSince, latest)
  const since = changedSince === undefined ? Number.MAX_SAFE_INTEGER : parseChange(changedSince, latest)
  if (found === undefined) return { entries: nothing, changes: nothing, position: '0' }
  const { bound, last, change } = position ?? { bound: lastEntry(sql, found.scope), last: 0, change: latest }
  const end = Math.min(last + page.limit, bound)
  // Blobs joined as they are: SQLite takes them for text and back without a look at their octets where the database is UTF-8.
  const row = sql.get<Row>(
    `SELECT CAST(group_concat(CASE WHEN NOT released THEN entry END, '') AS BLOB) AS entries,
       CAST(group_concat(CASE WHEN change_order > ? THEN entry END, '') AS BLOB) AS changes,
       coalesce(sum(CASE WHEN NOT released THEN length(entry) END), 0)
         + coalesce(sum(CASE WHEN change_order > ? THEN length(entry) END), 0) AS octets
     FROM crl_entries WHERE scope = ? AND revocation_order > ? AND revocation_order <= ?
       AND (ended >= ? OR change_order > ?)`,
    since,
    since,
    found.scope,
    last,
    end,
    without?.endedBefore.getTime() ?? Number.MIN_SAFE_INTEGER,
    unchangedSince,
  )!
  const entries = row.entries === null ? nothing : toOctets(row.entries)
  const changes = row.changes === null ? nothing : toOctets(row.changes)
  if (entries.length + changes.length !== row.octets)
    throw storeCorrupt('the entries of a CRL are not as long as they were')
  return {
    entries,
    changes,
    position: String(change),
    ...(end < bound && { next: `${bound}.${end}.${change}` }),
  }
}

function lastEntry(sql: Sql, scope: number): number {
  const row = sql.get<{ last: number | null }>(
    'SELECT max(revocation_order) AS last FROM crl_entries WHERE scope = ?',
    scope,
  )
  return row?.last ?? 0
}
