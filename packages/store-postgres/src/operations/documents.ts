import type { Events, Lease, Versioned } from '@fleetcert/core'
import { octetText, plainText } from '../arguments.ts'
import { numberOf, octetsOf } from '../columns.ts'
import { encodeEvents } from '../event.ts'
import type { Change, Server } from '../server.ts'
import { leaseFields } from './subject.ts'

export async function document(server: Server, name: string): Promise<Versioned | undefined> {
  const [row] = await server.ask(
    'SELECT d.value, d.version FROM @.documents d WHERE @.assert_primary() AND d.name = $1',
    plainText(name, 'name'),
  )
  return row && { value: octetsOf(row[0]), version: numberOf(row[1]) }
}

export function putDocument(
  name: string,
  value: Uint8Array,
  expectedVersion: number,
  lease: Lease | undefined,
  events: Events,
): Change {
  return {
    do: 'putDocument',
    name: plainText(name, 'name'),
    value: octetText(value),
    expectedVersion,
    ...leaseFields(lease),
    events: encodeEvents(events),
  }
}
