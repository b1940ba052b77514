import { createHash } from 'node:crypto'
import { type CrlReason, PkiError } from '@fleetcert/x509'
import type { Cursor, RevocationQuery } from '../store/store.ts'
import type { RevokeAllQuery } from './fleet.ts'
import { checkAttributes, checkIdentifier } from './identifier.ts'
import type { Authority } from './issuers/issuer-set.ts'
import { keyOf, type RevocationKey } from './revocation-key.ts'

/** What a `revokeAll` has to do: the pages of a query, or whole devices. */
export type RevokeAllPlan =
  | { readonly query: RevocationQuery; readonly key?: RevocationKey }
  | { readonly deviceIds: readonly string[] }

const kinds = ['publicKey', 'owner', 'attribute', 'issued', 'deviceIds'] as const

/** Checks a query: exactly one thing, and that whole. `{ owner: undefined }` must not mean everybody, and of two things nobody knows whether both are meant or either. */
export function planOf(query: RevokeAllQuery, authorities: readonly Authority[], now: Date): RevokeAllPlan {
  const members = Object.keys(query ?? {})
  const [kind] = members as (typeof kinds)[number][]
  if (members.length !== 1 || kind === undefined || !kinds.includes(kind)) {
    throw new TypeError(`query: expected exactly one of ${kinds.join(', ')}`)
  }
  if ('publicKey' in query) {
    const key = keyOf(query.publicKey, authorities)
    return { query: key.query, key }
  }
  if ('owner' in query) return { query: { list: 'owner', owner: checkIdentifier(query.owner, 'owner') } }
  if ('attribute' in query) {
    const { name, value } = query.attribute ?? {}
    checkAttributes({ [typeof name === 'string' ? name : '']: value })
    return { query: { list: 'attribute', name, value } }
  }
  if ('issued' in query) {
    const { from, before } = query.issued ?? {}
    const isRange = from instanceof Date && before instanceof Date && from.getTime() >= 0 && before > from
    if (!isRange) throw new RangeError('issued: expected two dates from 1970 on, `from` before `before`')
    // Beyond now there is no end to what may still come.
    if (before > now) throw new RangeError('issued.before: expected a date that is not in the future')
    return { query: { list: 'created', from: new Date(from), before: new Date(before) } }
  }
  if (!Array.isArray(query.deviceIds) || query.deviceIds.length === 0) {
    throw new TypeError('deviceIds: expected at least one device id')
  }
  // All of them before anything is done.
  return { deviceIds: query.deviceIds.map(deviceId => checkIdentifier(deviceId, 'deviceId')) }
}

/** A cursor says which query and reason it belongs to: with another one it would leave out whatever lies before it. */
export interface CursorCodec {
  encode(place: Cursor): Cursor
  /** @throws PkiError `ERR_PKI_CURSOR` */
  decode(cursor: Cursor | undefined): Cursor | undefined
}

export function cursorCodec(plan: RevokeAllPlan, reason: CrlReason): CursorCodec {
  const text = JSON.stringify(['query' in plan ? plan.query : plan.deviceIds, reason], (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  )
  const prefix = `${createHash('sha256').update(text).digest('hex').slice(0, 16)}:`
  return {
    encode: place => prefix + place,
    decode(cursor) {
      if (cursor === undefined || cursor === '') return undefined
      if (typeof cursor !== 'string' || cursor.length > 256 || !cursor.startsWith(prefix)) {
        throw new PkiError('ERR_PKI_CURSOR', {})
      }
      const place = cursor.slice(prefix.length)
      if (place === '') throw new PkiError('ERR_PKI_CURSOR', {})
      return place
    },
  }
}
