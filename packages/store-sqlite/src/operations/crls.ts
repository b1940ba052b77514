import type { CrlHead, CrlName, CrlParts, CrlScope, CrlState, Events, Lease } from '@fleetcert/core'
import { assertCrl, octetsOf } from '../arguments.ts'
import { sameOctets, toOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { isCurrentLease } from './leases.ts'
import { append } from './ledger.ts'

interface Row {
  readonly scope: number
  /** As text: a number of JavaScript does not hold all 63 bits. */
  readonly crl_number: string
  readonly this_update: number
  readonly next_update: number
  readonly note: string | null
}

export function nextCrlNumber(sql: Sql, scope: CrlScope): bigint {
  const row = sql.get<{ last_number: string }>(
    `INSERT INTO crl_scopes (issuer_key_id, shard, last_number) VALUES (?, ?, 1)
     ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_number = last_number + 1
     RETURNING CAST(last_number AS TEXT) AS last_number`,
    octetsOf(scope.issuerKeyId, 'issuerKeyId'),
    scope.shard,
  )!
  return BigInt(row.last_number)
}

export function putCrl(sql: Sql, name: CrlName, crl: CrlParts, lease: Lease | undefined, events: Events): boolean {
  assertCrl(crl)
  const current = currentRow(sql, name)
  if (current !== undefined && isSame(sql, current, name, crl)) return true
  if (!isCurrentLease(sql, lease)) return false
  if (current !== undefined && crl.crlNumber <= BigInt(current.crl_number)) return false
  const { scope } = sql.get<{ scope: number }>(
    `INSERT INTO crl_scopes (issuer_key_id, shard, last_number) VALUES (?, ?, ?)
     ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_number = max(last_number, excluded.last_number)
     RETURNING scope`,
    octetsOf(name.issuerKeyId, 'issuerKeyId'),
    name.shard,
    crl.crlNumber,
  )!
  const kind = kindOf(name)
  sql.run(
    'INSERT OR REPLACE INTO crls (scope, delta, crl_number, this_update, next_update, note) VALUES (?, ?, ?, ?, ?, ?)',
    scope,
    kind,
    crl.crlNumber,
    crl.thisUpdate.getTime(),
    crl.nextUpdate.getTime(),
    crl.note ?? null,
  )
  sql.run('DELETE FROM crl_parts WHERE scope = ? AND delta = ?', scope, kind)
  for (const [part, der] of crl.parts.entries()) {
    sql.run('INSERT INTO crl_parts (scope, delta, part, der) VALUES (?, ?, ?, ?)', scope, kind, part, der)
  }
  append(sql, events)
  return true
}

export function crlState(sql: Sql, scope: CrlScope): CrlState {
  const row = sql.get<{ last_change: number }>(
    'SELECT last_change FROM crl_scopes WHERE issuer_key_id = ? AND shard = ?',
    octetsOf(scope.issuerKeyId, 'issuerKeyId'),
    scope.shard,
  )
  // A name of a delta CRL is a scope, too.
  const full = currentRow(sql, { ...scope, delta: false })
  const delta = currentRow(sql, { ...scope, delta: true })
  return {
    position: String(row?.last_change ?? 0),
    ...(full && { full: toHead(full) }),
    ...(delta && { delta: toHead(delta) }),
  }
}

/** A CRL without its octets, and how many parts it has. */
export function crlHead(sql: Sql, name: CrlName): { readonly head: CrlHead; readonly parts: number } | undefined {
  const row = currentRow(sql, name)
  if (row === undefined) return undefined
  const { parts } = sql.get<{ parts: number }>(
    'SELECT count(*) AS parts FROM crl_parts WHERE scope = ? AND delta = ?',
    row.scope,
    kindOf(name),
  )!
  return { head: toHead(row), parts }
}

/** Some parts of the CRL of that number, or `undefined` where it is not the current one any more. */
export function crlParts(
  sql: Sql,
  name: CrlName,
  crlNumber: bigint,
  from: number,
  count: number,
): readonly Uint8Array[] | undefined {
  const row = currentRow(sql, name)
  if (row === undefined || BigInt(row.crl_number) !== crlNumber) return undefined
  return partsOf(sql, row, name, from, count).map(toOctets)
}

function currentRow(sql: Sql, name: CrlName): Row | undefined {
  return sql.get<Row>(
    `SELECT scope, CAST(crl_number AS TEXT) AS crl_number, this_update, next_update, note
     FROM crl_scopes JOIN crls USING (scope) WHERE issuer_key_id = ? AND shard = ? AND delta = ?`,
    octetsOf(name.issuerKeyId, 'issuerKeyId'),
    name.shard,
    kindOf(name),
  )
}

function partsOf(sql: Sql, { scope }: Row, name: CrlName, from: number, count: number): Uint8Array[] {
  return sql
    .all<{ der: Uint8Array }>(
      'SELECT der FROM crl_parts WHERE scope = ? AND delta = ? AND part >= ? AND part < ? ORDER BY part',
      scope,
      kindOf(name),
      from,
      from + count,
    )
    .map(part => part.der)
}

function isSame(sql: Sql, row: Row, name: CrlName, crl: CrlParts): boolean {
  if (BigInt(row.crl_number) !== crl.crlNumber) return false
  const parts = partsOf(sql, row, name, 0, Number.MAX_SAFE_INTEGER)
  return parts.length === crl.parts.length && parts.every((part, index) => sameOctets(part, crl.parts[index]!))
}

function toHead(row: Row): CrlHead {
  return {
    crlNumber: BigInt(row.crl_number),
    thisUpdate: new Date(row.this_update),
    nextUpdate: new Date(row.next_update),
    ...(row.note !== null && { note: row.note }),
  }
}

function kindOf({ delta = false }: CrlName): 0 | 1 {
  return delta ? 1 : 0
}
