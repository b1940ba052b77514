import type { EnrollmentToken, Events, TokenRecord } from '@fleetcert/core'
import { hashText, milliseconds, plainText } from '../arguments.ts'
import { dateOf, hexOf, isThere, jsonOf, octetsOf, type Row, textOf } from '../columns.ts'
import { encodeEvents } from '../event.ts'
import type { Change, Server } from '../server.ts'

/** A token as changes take it. */
export function tokenFields({ hash, deviceId, expiresAt, profile, owner, attributes }: EnrollmentToken): object {
  return {
    hash: hashText(hash, 'hash'),
    deviceId: plainText(deviceId, 'deviceId'),
    expiresAt: milliseconds(expiresAt, 'expiresAt'),
    ...(profile !== undefined && { profile: plainText(profile, 'profile') }),
    ...(owner !== undefined && { owner: plainText(owner, 'owner') }),
    ...(attributes && { attributes: JSON.stringify(attributes) }),
  }
}

export function addToken(token: EnrollmentToken, events: Events): Change {
  return { do: 'addToken', ...tokenFields(token), events: encodeEvents(events) }
}

export async function token(server: Server, hash: Uint8Array): Promise<TokenRecord | undefined> {
  const [row] = await server.ask(
    `SELECT t.hash, t.device_id, t.expires_at, t.profile, t.owner, t.attributes, c.issuer_key_id, c.serial_number
     FROM @.tokens t LEFT JOIN @.certificates c ON c.ordinal = t.spent_by WHERE @.assert_primary() AND t.hash = $1`,
    Buffer.from(hashText(hash, 'hash'), 'hex'),
  )
  if (row === undefined) return undefined
  const [issuer, serial] = row.slice(6)
  return {
    ...decodeToken(row),
    ...(isThere(issuer) && { spentBy: { issuerKeyId: hexOf(issuer), serialNumber: hexOf(serial) } }),
  }
}

/** A token of the columns hash, device_id, expires_at, profile, owner, attributes. */
export function decodeToken([octets, deviceId, expiresAt, profile, owner, attributes]: Row): EnrollmentToken {
  return {
    hash: octetsOf(octets),
    deviceId: textOf(deviceId),
    expiresAt: dateOf(expiresAt),
    ...(isThere(profile) && { profile }),
    ...(isThere(owner) && { owner }),
    ...(isThere(attributes) && { attributes: jsonOf(attributes) as Record<string, string> }),
  }
}
