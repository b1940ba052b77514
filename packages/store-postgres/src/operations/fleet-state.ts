import type { StoreState } from '@fleetcert/core'
import { flagOf, hexOf, textOf } from '../columns.ts'
import type { Change, Server } from '../server.ts'
import { storeCorrupt } from '../store-errors.ts'

export async function state(server: Server): Promise<StoreState> {
  const [row] = await server.ask(
    `SELECT f.fleet_id, f.state, f.note, f.state = 'open' AND @.is_empty() FROM @.fleet f WHERE @.assert_primary()`,
  )
  if (row === undefined) throw storeCorrupt('the row of the fleet is gone')
  const [fleetId, known, note, isEmpty] = row
  const kept = textOf(known) as StoreState['state']
  return {
    fleetId: hexOf(fleetId),
    state: flagOf(isEmpty) ? 'empty' : kept,
    ...(kept === 'receiving' && { note: textOf(note) }),
  }
}

export function changeState(from: StoreState['state'], to: 'open' | 'sealed'): Change {
  return { do: 'changeState', from, to }
}
