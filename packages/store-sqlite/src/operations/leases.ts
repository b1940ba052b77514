import type { Lease } from '@fleetcert/core'
import { assertLeaseSeconds } from '../arguments.ts'
import type { Sql } from '../sql.ts'

interface Row {
  readonly holder: string | null
  readonly fence: number
  readonly until: number
}

export function lease(sql: Sql, name: string, holder: string, seconds: number, now: Date): Lease | undefined {
  assertLeaseSeconds(seconds)
  const row = sql.get<Row>('SELECT holder, fence, until FROM leases WHERE name = ?', name)
  const own = row?.holder === holder
  if (row !== undefined && row.holder !== null && !own && row.until > now.getTime()) return undefined
  const fence = own ? row.fence : (row?.fence ?? 0) + 1
  const until = new Date(now.getTime() + Math.round(seconds * 1000))
  sql.run(
    `INSERT INTO leases (name, holder, fence, until) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until`,
    name,
    holder,
    fence,
    until.getTime(),
  )
  return { name, fence, until }
}

export function releaseLease(sql: Sql, lease: Lease): void {
  sql.run('UPDATE leases SET holder = NULL WHERE name = ? AND fence = ?', lease.name, lease.fence)
}

/** Nobody has held it since, and it was not given back. One that ran out is still good while nobody else took it: no other holder can have acted. */
export function isCurrentLease(sql: Sql, lease: Lease | undefined): boolean {
  if (lease === undefined) return true
  const current = sql.get(
    'SELECT 1 FROM leases WHERE name = ? AND fence = ? AND holder IS NOT NULL',
    lease.name,
    lease.fence,
  )
  return current !== undefined
}
