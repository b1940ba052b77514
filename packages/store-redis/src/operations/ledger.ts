import type { Cursor, FleetEvent, Lease, Page } from '@fleetcert/core'
import { assertLimit, parsePosition } from '../arguments.ts'
import { decodeEvent } from '../event.ts'
import { isNothing, listOf, numberOf, octetsOf, textOf } from '../replies.ts'
import { cursor as cursorScript, ledger as ledgerScript, saveCursor as saveCursorScript } from '../scripts/ledger.ts'
import type { Server } from '../server.ts'
import { badCursor } from '../store-errors.ts'
import { leaseArguments } from './crls.ts'

const eventsPerScript = 500

/** `isStopped` throws when the caller has given up. */
export async function ledger(
  server: Server,
  { after, limit }: { readonly after: Cursor; readonly limit: number },
  isStopped: () => void,
): Promise<Page<FleetEvent> & { readonly next: Cursor }> {
  assertLimit(limit)
  // As a number, so that it is written in one way.
  let next = after === '' ? after : String(parsePosition(after))
  const items: FleetEvent[] = []
  for (;;) {
    const count = Math.min(limit - items.length, eventsPerScript)
    const answer = listOf(await server.read(ledgerScript, next, String(count)))
    if (numberOf(answer[0]) !== 1) throw badCursor()
    for (let at = 1; at + 1 < answer.length; at += 2) {
      items.push(decodeEvent(numberOf(answer[at]), octetsOf(answer[at + 1])))
    }
    next = items.at(-1)?.cursor ?? next
    if (items.length === limit || (answer.length - 1) / 2 < count) return { items, next }
    isStopped()
  }
}

/** The ledger's latest date. Each issue and each look-up that memory does not answer asks for it, so those of one turn of the event loop share a question. */
export function newestEvents(server: Server): () => Promise<Date | undefined> {
  let asking: Promise<number | undefined> | undefined
  const ask = async (): Promise<number | undefined> => {
    const reply = await server.command('HGET', 'm', 'newest')
    return isNothing(reply) ? undefined : numberOf(reply)
  }
  return async () => {
    if (asking === undefined) {
      asking = ask()
      // Whoever asks later is not given what was read before.
      process.nextTick(() => {
        asking = undefined
      })
    }
    const newest = await asking
    return newest === undefined ? undefined : new Date(newest)
  }
}

export async function cursor(server: Server, consumer: string): Promise<Cursor> {
  const reply = await server.read(cursorScript, consumer)
  return isNothing(reply) ? '' : textOf(reply)
}

export async function saveCursor(
  server: Server,
  consumer: string,
  cursor: Cursor,
  lease: Lease | undefined,
): Promise<boolean> {
  if (cursor !== '') parsePosition(cursor)
  const result = numberOf(await server.run(saveCursorScript, consumer, cursor, ...leaseArguments(lease)))
  if (result === 2) throw badCursor()
  return result === 1
}
