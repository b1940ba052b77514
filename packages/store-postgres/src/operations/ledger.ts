import type { Cursor, FleetEvent, Lease, Page } from '@fleetcert/core'
import { assertLimit, parsePosition, plainText } from '../arguments.ts'
import { dateOf, isThere, textOf } from '../columns.ts'
import { decodeEvent } from '../event.ts'
import type { Change, Server } from '../server.ts'
import { leaseFields } from './subject.ts'

export async function ledger(
  server: Server,
  { after, limit }: { readonly after: Cursor; readonly limit: number },
): Promise<Page<FleetEvent> & { readonly next: Cursor }> {
  assertLimit(limit)
  const start = after === '' ? null : parsePosition(after)
  const rows = await server.ask('SELECT * FROM @.ledger_page($1, $2)', start, limit)
  const items = rows.map(decodeEvent)
  return { items, next: items.at(-1)?.cursor ?? after }
}

export async function newestEventAt(server: Server): Promise<Date | undefined> {
  const [row] = await server.ask(
    `SELECT greatest(f.newest_at, (SELECT l.newest_at FROM @.ledger l ORDER BY l.sequence DESC LIMIT 1))
     FROM @.fleet f WHERE @.assert_primary()`,
  )
  return isThere(row?.[0]) ? dateOf(row[0]) : undefined
}

export async function cursor(server: Server, consumer: string): Promise<Cursor> {
  const [row] = await server.ask(
    'SELECT c.cursor FROM @.consumers c WHERE @.assert_primary() AND c.name = $1',
    plainText(consumer, 'consumer'),
  )
  return row === undefined ? '' : textOf(row[0])
}

export function saveCursor(consumer: string, cursor: Cursor, lease: Lease | undefined): Change {
  return {
    do: 'saveCursor',
    consumer: plainText(consumer, 'consumer'),
    cursor,
    ...(cursor !== '' && { position: parsePosition(cursor) }),
    ...leaseFields(lease),
  }
}
