import type { CrlParts, CrlScope, Events, Lease } from '@fleetcert/core'
import { assertCrl, octetsOf } from '../arguments.ts'
import { sameOctets, toOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { isCurrentLease } from './leases.ts'
import { append } from './ledger.ts'

interface Row {
  readonly crl: number
  /** As text: a number of JavaScript does not hold all 63 bits. */
  readonly crl_number: string | null
  readonly this_update: number
  readonly next_update: number
}

export function nextCrlNumber(sql: Sql, scope: CrlScope): bigint {
  const row = sql.get<{ last_number: string }>(
    `INSERT INTO crls (issuer_key_id, shard, last_number) VALUES (?, ?, 1)
     ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_number = last_number + 1
     RETURNING CAST(last_number AS TEXT) AS last_number`,
    octetsOf(scope.issuerKeyId, 'issuerKeyId'),
    scope.shard,
  )!
  return BigInt(row.last_number)
}

export function putCrl(sql: Sql, scope: CrlScope, crl: CrlParts, lease: Lease | undefined, events: Events): boolean {
  assertCrl(crl)
  const current = currentRow(sql, scope)
  if (current !== undefined && isSame(sql, current, crl)) return true
  if (!isCurrentLease(sql, lease)) return false
  if (current !== undefined && crl.crlNumber <= BigInt(current.crl_number!)) return false
  const row = sql.get<{ crl: number }>(
    `INSERT INTO crls (issuer_key_id, shard, last_number, crl_number, this_update, next_update) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_number = max(last_number, excluded.crl_number),
       crl_number = excluded.crl_number, this_update = excluded.this_update, next_update = excluded.next_update
     RETURNING crl`,
    octetsOf(scope.issuerKeyId, 'issuerKeyId'),
    scope.shard,
    crl.crlNumber,
    crl.crlNumber,
    crl.thisUpdate.getTime(),
    crl.nextUpdate.getTime(),
  )!
  sql.run('DELETE FROM crl_parts WHERE crl = ?', row.crl)
  for (const [part, der] of crl.parts.entries()) {
    sql.run('INSERT INTO crl_parts (crl, part, der) VALUES (?, ?, ?)', row.crl, part, der)
  }
  append(sql, events)
  return true
}

export function crl(sql: Sql, scope: CrlScope): CrlParts | undefined {
  const row = currentRow(sql, scope)
  if (row === undefined) return undefined
  return {
    crlNumber: BigInt(row.crl_number!),
    thisUpdate: new Date(row.this_update),
    nextUpdate: new Date(row.next_update),
    parts: partsOf(sql, row).map(toOctets),
  }
}

function currentRow(sql: Sql, scope: CrlScope): Row | undefined {
  return sql.get<Row>(
    `SELECT crl, CAST(crl_number AS TEXT) AS crl_number, this_update, next_update FROM crls
     WHERE issuer_key_id = ? AND shard = ? AND crl_number IS NOT NULL`,
    octetsOf(scope.issuerKeyId, 'issuerKeyId'),
    scope.shard,
  )
}

function partsOf(sql: Sql, row: Row): Uint8Array[] {
  return sql
    .all<{ der: Uint8Array }>('SELECT der FROM crl_parts WHERE crl = ? ORDER BY part', row.crl)
    .map(part => part.der)
}

function isSame(sql: Sql, row: Row, crl: CrlParts): boolean {
  if (BigInt(row.crl_number!) !== crl.crlNumber) return false
  const parts = partsOf(sql, row)
  return parts.length === crl.parts.length && parts.every((part, index) => sameOctets(part, crl.parts[index]!))
}
