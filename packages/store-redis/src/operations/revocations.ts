import {
  type CertificateId,
  type CrlReason,
  type Cursor,
  type EndedCertificate,
  type Events,
  encodeRevokedEntries,
  type FleetEventInput,
  type Page,
  type Revocation,
  type RevocationQuery,
} from '@fleetcert/core'
import { assertHash, assertLimit, idOctets } from '../arguments.ts'
import { encodeEvents, eventPattern } from '../event.ts'
import { asBuffer, dateText } from '../octets.ts'
import type { RedisArgument } from '../redis-client.ts'
import { isNothing, listOf, numberOf, octetsOf, textOf } from '../replies.ts'
import {
  blockKey as blockKeyScript,
  release as releaseScript,
  revokeAll as revokeAllScript,
  revokeDevice as revokeDeviceScript,
  revoke as revokeScript,
} from '../scripts/revoke.ts'
import type { Server } from '../server.ts'
import { badCursor } from '../store-errors.ts'
import { rowQuery } from './row-query.ts'

export async function revoke(
  server: Server,
  id: CertificateId,
  revocation: Revocation,
  events: Events,
): Promise<{ readonly revocation: Revocation; readonly created: boolean } | undefined> {
  const { issuer, serial } = idOctets(id)
  const answer = listOf(
    await server.run(revokeScript, issuer, serial, ...revocationArguments(revocation), ...encodeEvents(events)),
  )
  if (answer.length === 0) return undefined
  const [created, reason, date, invalidityDate] = answer
  return {
    revocation: {
      revocationDate: new Date(numberOf(date)),
      reason: textOf(reason) as CrlReason,
      ...(!isNothing(invalidityDate) && { invalidityDate: new Date(numberOf(invalidityDate)) }),
    },
    created: numberOf(created) === 1,
  }
}

export async function revokeDevice(
  server: Server,
  deviceId: string,
  revocation: Revocation,
  event: FleetEventInput,
): Promise<readonly CertificateId[]> {
  return idsOf(
    await server.run(revokeDeviceScript, deviceId, ...revocationArguments(revocation), ...eventPattern(event)),
  )
}

export async function revokeAll(
  server: Server,
  query: RevocationQuery,
  revocation: Revocation,
  event: FleetEventInput,
  { after, limit }: { readonly after?: Cursor; readonly limit: number },
): Promise<Page<EndedCertificate>> {
  assertLimit(limit)
  const { args, place, ordinal, cursorOf } = rowQuery(query, after)
  const answer = listOf(
    await server.run(
      revokeAllScript,
      ...args,
      place,
      String(limit),
      ...revocationArguments(revocation),
      ...eventPattern(event),
      ordinal === 0 ? '' : String(ordinal),
    ),
  )
  if (answer.length === 0) throw badCursor()
  const items: EndedCertificate[] = []
  for (let at = 1; at + 3 < answer.length; at += 4) {
    items.push({
      id: idOf(answer[at], answer[at + 1]),
      ...(numberOf(answer[at + 2]) === 1 && { deviceId: octetsOf(answer[at + 3]).toString() }),
    })
  }
  return isNothing(answer[0]) ? { items } : { items, next: cursorOf(octetsOf(answer[0])) }
}

export async function blockKey(server: Server, publicKeyHash: Uint8Array, events: Events): Promise<boolean> {
  assertHash(publicKeyHash, 'publicKeyHash')
  return numberOf(await server.run(blockKeyScript, asBuffer(publicKeyHash), ...encodeEvents(events))) === 1
}

export async function release(server: Server, id: CertificateId, events: Events): Promise<boolean> {
  const { issuer, serial } = idOctets(id)
  return numberOf(await server.run(releaseScript, issuer, serial, ...encodeEvents(events))) === 1
}

/** Ids of an answer that is issuer and serial number of each. */
export function idsOf(reply: unknown): readonly CertificateId[] {
  const answer = listOf(reply)
  return Array.from({ length: answer.length / 2 }, (_, index) => idOf(answer[2 * index], answer[2 * index + 1]))
}

function idOf(issuer: unknown, serial: unknown): CertificateId {
  return { issuerKeyId: octetsOf(issuer).toString('hex'), serialNumber: octetsOf(serial).toString('hex') }
}

/** What scripts make an entry of, too: the one encoder's octets around a serial number of one octet, `30 L 02 01 01`, then date and extensions. */
function revocationArguments(revocation: Revocation): RedisArgument[] {
  const { revocationDate, reason, invalidityDate } = revocation
  const entry = Buffer.from(encodeRevokedEntries([{ serialNumber: '01', revocation }])).subarray(5)
  const dateEnd = 2 + entry[1]!
  return [
    reason,
    dateText(revocationDate, 'revocationDate'),
    invalidityDate === undefined ? '' : dateText(invalidityDate, 'invalidityDate'),
    entry.subarray(0, dateEnd),
    entry.subarray(dateEnd),
  ]
}
