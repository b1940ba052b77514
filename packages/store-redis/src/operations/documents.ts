import type { Events, Lease, Versioned } from '@fleetcert/core'
import { encodeEvents } from '../event.ts'
import { asBuffer, ownOctets } from '../octets.ts'
import { isNothing, numberOf, octetsOf } from '../replies.ts'
import { document as documentScript, putDocument as putDocumentScript } from '../scripts/documents.ts'
import type { Server } from '../server.ts'
import { leaseArguments } from './crls.ts'

export async function document(server: Server, name: string): Promise<Versioned | undefined> {
  const reply = await server.read(documentScript, name)
  if (isNothing(reply)) return undefined
  const octets = octetsOf(reply)
  return { value: ownOctets(octets.subarray(6)), version: octets.readUIntBE(0, 6) }
}

export async function putDocument(
  server: Server,
  name: string,
  value: Uint8Array,
  expectedVersion: number,
  lease: Lease | undefined,
  events: Events,
): Promise<boolean> {
  const result = await server.run(
    putDocumentScript,
    name,
    asBuffer(value),
    String(expectedVersion),
    ...leaseArguments(lease),
    ...encodeEvents(events),
  )
  return numberOf(result) === 1
}
