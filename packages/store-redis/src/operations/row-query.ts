import type { CertificateQuery, Cursor } from '@fleetcert/core'
import { assertHash, ordinalOctets, parseCreatedPosition, parsePosition } from '../arguments.ts'
import { asBuffer, dateText, packNumber } from '../octets.ts'
import type { RedisArgument } from '../redis-client.ts'
import { encodeText } from '../text-octets.ts'

/** A query whose rows an index holds in their order. */
export type IndexedQuery = Exclude<CertificateQuery, { list: 'device' | 'devices' }>

/** A query as `find_rows` of the scripts takes it. */
export interface RowQuery {
  /** What the list is, and what it is about. */
  readonly args: readonly RedisArgument[]
  /** Where to go on behind. */
  readonly place: RedisArgument
  /** The ordinal in the cursor, 0 without one. */
  readonly ordinal: number
  /** The cursor behind a place of the index. */
  cursorOf(place: Buffer): Cursor
}

export function rowQuery(query: IndexedQuery, after: Cursor | undefined): RowQuery {
  if (query.list === 'created') {
    const position = parseCreatedPosition(query, after)
    return {
      args: [query.list, dateText(query.from, 'from'), dateText(query.before, 'before')],
      place:
        position === undefined
          ? ''
          : Buffer.concat([packNumber(position.createdAt, 6), ordinalOctets(position.ordinal)]),
      ordinal: position?.ordinal ?? 0,
      cursorOf: place => `${place.readUIntBE(0, 6)}.${place.readUIntBE(6, 6)}`,
    }
  }
  const ordinal = parsePosition(after)
  return {
    args: [query.list, ...subjectOf(query)],
    place: ordinal === 0 ? '' : ordinalOctets(ordinal),
    ordinal,
    cursorOf: place => String(place.readUIntBE(0, 6)),
  }
}

function subjectOf(query: Exclude<IndexedQuery, { list: 'created' }>): readonly [RedisArgument, RedisArgument] {
  switch (query.list) {
    case 'key':
      assertHash(query.publicKeyHash, 'publicKeyHash')
      return [asBuffer(query.publicKeyHash), '']
    case 'owner':
      return [query.owner, '']
    case 'attribute':
      return [encodeText(query.name), encodeText(query.value)]
    default:
      return ['', '']
  }
}
