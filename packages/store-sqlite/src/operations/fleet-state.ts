import type { StoreState } from '@fleetcert/core'
import { toHex } from '../certificate-row.ts'
import type { Sql } from '../sql.ts'
import { StoreFailure } from '../store-failure.ts'

type State = Exclude<StoreState['state'], 'empty'>

// Leases and places of consumers do not count: somebody has looked in, and that is all.
const isEmpty = `NOT EXISTS (SELECT 1 FROM certificates) AND NOT EXISTS (SELECT 1 FROM ledger)
  AND NOT EXISTS (SELECT 1 FROM documents) AND NOT EXISTS (SELECT 1 FROM tokens)
  AND NOT EXISTS (SELECT 1 FROM blocked_keys) AND NOT EXISTS (SELECT 1 FROM crl_scopes)
  AND NOT EXISTS (SELECT 1 FROM devices)
  AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'certificates' AND seq > 0)`

export function state(sql: Sql): StoreState {
  const row = sql.get<{ id: Uint8Array; state: State; note: string; is_empty: 0 | 1 }>(
    `SELECT id, state, note, state = 'open' AND ${isEmpty} AS is_empty FROM fleet WHERE one = 1`,
  )!
  return {
    fleetId: toHex(row.id),
    state: row.is_empty === 1 ? 'empty' : row.state,
    ...(row.state === 'receiving' && { note: row.note }),
  }
}

export function changeState(sql: Sql, from: State, to: 'open' | 'sealed'): boolean {
  const { state: current } = sql.get<{ state: State }>('SELECT state FROM fleet WHERE one = 1')!
  if (current === to) return true
  if (current !== from) return false
  sql.run(`UPDATE fleet SET state = ?, note = '' WHERE one = 1`, to)
  return true
}

const refusals: ReadonlyMap<string, StoreFailure> = new Map<string, StoreFailure>([
  ['sealed', new StoreFailure('ERR_PKI_STORE_MOVED', {})],
  ['receiving', new StoreFailure('ERR_PKI_STORE_INCOMPLETE', {})],
])

/** Why nothing may be changed now, if so. Asked in the transaction of the change. */
export function refusal(sql: Sql): StoreFailure | undefined {
  const [current] = sql.values('SELECT state FROM fleet WHERE one = 1')!
  return refusals.get(String(current))
}
