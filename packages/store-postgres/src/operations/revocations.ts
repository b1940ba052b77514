import type {
  CertificateId,
  CrlReason,
  Cursor,
  EndedCertificate,
  Events,
  FleetEventInput,
  Page,
  Revocation,
  RevocationQuery,
} from '@fleetcert/core'
import { assertLimit, createdPosition, hashText, milliseconds, parsePosition, plainText } from '../arguments.ts'
import { encodeEvents, encodePattern } from '../event.ts'
import type { Change } from '../server.ts'
import { attributePair, idFields } from './subject.ts'

export function revoke(id: CertificateId, revocation: Revocation, events: Events): Change {
  return {
    do: 'revoke',
    ...idFields(id),
    revocation: revocationFields(revocation),
    events: encodeEvents(events),
  }
}

interface RevokeAnswer {
  readonly created: boolean
  readonly date: number
  readonly reason: CrlReason
  readonly invalidityDate: number | null
}

/** What `revoke` of the server answers. */
export function toRevoked(answer: unknown): { readonly revocation: Revocation; readonly created: boolean } | undefined {
  if (answer === null) return undefined
  const { created, date, reason, invalidityDate } = answer as RevokeAnswer
  return {
    revocation: {
      revocationDate: new Date(date),
      reason,
      ...(invalidityDate !== null && { invalidityDate: new Date(invalidityDate) }),
    },
    created,
  }
}

export function revokeDevice(deviceId: string, revocation: Revocation, event: FleetEventInput): Change {
  return {
    do: 'revokeDevice',
    deviceId: plainText(deviceId, 'deviceId'),
    revocation: revocationFields(revocation),
    event: encodePattern(event),
  }
}

export function revokeAll(
  query: RevocationQuery,
  revocation: Revocation,
  event: FleetEventInput,
  { after, limit }: { readonly after?: Cursor; readonly limit: number },
): Change {
  assertLimit(limit)
  return {
    do: 'revokeAll',
    list: query.list,
    ...queryFields(query, after),
    limit,
    revocation: revocationFields(revocation),
    event: encodePattern(event),
  }
}

interface RevokeAllAnswer {
  readonly items: readonly (readonly [issuer: string, serial: string, deviceId: string | null])[]
  readonly next: readonly [ordinal: number, createdAt: number] | null
}

/** What `revokeAll` of the server answers. */
export function toEnded(query: RevocationQuery, answer: unknown): Page<EndedCertificate> {
  const { items, next } = answer as RevokeAllAnswer
  return {
    items: items.map(([issuerKeyId, serialNumber, deviceId]) => ({
      id: { issuerKeyId, serialNumber },
      ...(deviceId !== null && { deviceId }),
    })),
    ...(next && { next: query.list === 'created' ? `${next[1]}.${next[0]}` : String(next[0]) }),
  }
}

/** What `ids_of` of the server answers. */
export function toIds(answer: unknown): readonly CertificateId[] {
  return (answer as readonly (readonly [string, string])[]).map(([issuerKeyId, serialNumber]) => ({
    issuerKeyId,
    serialNumber,
  }))
}

export function blockKey(publicKeyHash: Uint8Array, events: Events): Change {
  return {
    do: 'blockKey',
    publicKeyHash: hashText(publicKeyHash, 'publicKeyHash'),
    events: encodeEvents(events),
  }
}

export function release(id: CertificateId, events: Events): Change {
  return { do: 'release', ...idFields(id), events: encodeEvents(events) }
}

/** `after`: the ordinal to go on behind. */
function queryFields(query: RevocationQuery, after: Cursor | undefined): object {
  switch (query.list) {
    case 'key':
      return { publicKeyHash: hashText(query.publicKeyHash, 'publicKeyHash'), after: parsePosition(after) }
    case 'owner':
      return { owner: plainText(query.owner, 'owner'), after: parsePosition(after) }
    case 'attribute':
      return { pair: attributePair(query.name, query.value), after: parsePosition(after) }
    case 'created': {
      const { createdAt, ordinal } = createdPosition(query, after)
      return { from: createdAt, after: ordinal, before: query.before.getTime() }
    }
  }
}

function revocationFields({ revocationDate, reason, invalidityDate }: Revocation): object {
  return {
    date: milliseconds(revocationDate, 'revocationDate'),
    reason,
    ...(invalidityDate && { invalidityDate: milliseconds(invalidityDate, 'invalidityDate') }),
  }
}
