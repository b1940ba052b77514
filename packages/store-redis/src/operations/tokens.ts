import type { EnrollmentToken, Events, TokenRecord } from '@fleetcert/core'
import { assertHash } from '../arguments.ts'
import { encodeEvents } from '../event.ts'
import { OctetReader } from '../octet-reader.ts'
import { asBuffer, dateText, ownOctets } from '../octets.ts'
import { listOf, octetsOf } from '../replies.ts'
import { addToken as addTokenScript, token as tokenScript } from '../scripts/tokens.ts'
import type { Server } from '../server.ts'
import { idsOf } from './revocations.ts'

type Grant = Pick<EnrollmentToken, 'profile' | 'owner' | 'attributes'>

export async function addToken(server: Server, token: EnrollmentToken, events: Events): Promise<void> {
  assertHash(token.hash, 'hash')
  const { deviceId, expiresAt, profile, owner, attributes } = token
  await server.run(
    addTokenScript,
    asBuffer(token.hash),
    dateText(expiresAt, 'expiresAt'),
    deviceId,
    JSON.stringify({ profile, owner, attributes } satisfies { [Key in keyof Grant]: Grant[Key] | undefined }),
    ...encodeEvents(events),
  )
}

export async function token(server: Server, hash: Uint8Array): Promise<TokenRecord | undefined> {
  assertHash(hash, 'hash')
  const own = ownOctets(hash)
  const answer = listOf(await server.read(tokenScript, asBuffer(own)))
  if (answer.length === 0) return undefined
  const reader = new OctetReader(octetsOf(answer[0]))
  const expiresAt = reader.date()
  // The epoch, and the ordinal of what spent it.
  reader.skip(4 + 6)
  const deviceId = reader.text(2)
  const grant: Grant = JSON.parse(reader.rest().toString())
  const [spentBy] = idsOf(answer.slice(1))
  return { hash: own, deviceId, expiresAt, ...grant, ...(spentBy && { spentBy }) }
}
