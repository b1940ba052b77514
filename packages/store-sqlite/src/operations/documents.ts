import type { Events, Lease, Versioned } from '@fleetcert/core'
import { sameOctets, toOctets } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { isCurrentLease } from './leases.ts'
import { append } from './ledger.ts'

export function document(sql: Sql, name: string): Versioned | undefined {
  const row = sql.get<{ value: Uint8Array; version: number }>(
    'SELECT value, version FROM documents WHERE name = ?',
    name,
  )
  return row && { value: toOctets(row.value), version: row.version }
}

export function putDocument(
  sql: Sql,
  name: string,
  value: Uint8Array,
  expectedVersion: number,
  lease: Lease | undefined,
  events: Events,
): boolean {
  const current = document(sql, name)
  const version = expectedVersion + 1
  if (current?.version === version && sameOctets(current.value, value)) return true
  if (!isCurrentLease(sql, lease) || (current?.version ?? 0) !== expectedVersion) return false
  sql.run(
    `INSERT INTO documents (name, version, value) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value`,
    name,
    version,
    value,
  )
  append(sql, events)
  return true
}
