import type {
  CertificateEntry,
  CrlName,
  Cursor,
  ExportRequest,
  Page,
  StoreRecord,
  StoreRecordKey,
  StoreRecordKind,
} from '@fleetcert/core'
import { assertExport } from '@fleetcert/core'
import { hashText, hexText, parseNumbers, parsePosition, plainText } from '../arguments.ts'
import { decodeRecord, recordColumns } from '../certificate-row.ts'
import { type Column, dateOf, hexOf, isThere, jsonOf, numberOf, octetsOf, textOf } from '../columns.ts'
import { decodeEvent } from '../event.ts'
import type { Server, Value } from '../server.ts'
import { badCursor } from '../store-errors.ts'
import { decodeToken } from './tokens.ts'

/** Columns by their names: of a row that came as JSON. */
type Columns = (name: string) => Column

const partsPerPage = 4

export async function exportRecords(server: Server, request: ExportRequest): Promise<Page<StoreRecord>> {
  assertExport(request)
  if ('keys' in request) {
    const rows = await server.ask(
      `SELECT f.kind, f.record FROM (
         SELECT k.key->>'kind' AS kind, @.find_record(k.key) AS record, k.place
         FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY k (key, place)) f
       WHERE @.assert_primary() AND f.record IS NOT NULL ORDER BY f.place`,
      JSON.stringify(request.keys.map(keyFields)),
    )
    return { items: rows.map(([kind, json]) => decode(textOf(kind) as StoreRecordKind, columnsOf(json))) }
  }
  const { kind, after = '' } = request
  const limit = kind === 'crlPart' ? Math.min(request.limit, partsPerPage) : request.limit
  const { from, where, order, values } = listing(kind, after)
  // One more than asked for tells whether there is a next page.
  const rows = await server.ask(
    `SELECT pg_catalog.to_jsonb(r) FROM ${from} r WHERE @.assert_primary() AND ${where} ORDER BY ${order} LIMIT $${values.length + 1}`,
    ...values,
    limit + 1,
  )
  const kept = rows.slice(0, limit).map(([json]) => columnsOf(json))
  const items = kept.map(columns => decode(kind, columns))
  const last = kept.at(-1)
  return last === undefined || kept.length === rows.length ? { items } : { items, next: cursorOf(kind, last) }
}

interface Listing {
  readonly from: string
  readonly where: string
  readonly order: string
  readonly values: readonly Value[]
}

/** The columns that a listing goes by. */
const orders: Readonly<Record<Exclude<StoreRecordKind, 'head'>, readonly [from: string, ...columns: string[]]>> = {
  certificate: ['moving_certificates', 'ordinal'],
  event: ['ledger', 'sequence'],
  device: ['devices', 'device_id'],
  blockedKey: ['blocked_keys', 'public_key_hash'],
  token: ['tokens', 'hash'],
  document: ['documents', 'name'],
  crlScope: ['moving_scopes', 'scope'],
  crl: ['moving_crls', 'scope', 'delta'],
  crlPart: ['moving_parts', 'scope', 'delta', 'part'],
  lease: ['leases', 'name'],
  consumer: ['consumers', 'name'],
}

function listing(kind: StoreRecordKind, after: Cursor): Listing {
  if (kind === 'head') return { from: '@.moving_head', where: 'true', order: '1', values: [] }
  const [from, ...columns] = orders[kind]
  const order = columns.map(name => `r.${name}`).join(', ')
  const values = after === '' ? [] : placeOf(kind, after)
  const behind = `(${order}) > (${values.map((_, index) => `$${index + 1}`).join(', ')})`
  const conditions = [kind === 'device' ? 'r.epoch > 0' : 'true', values.length > 0 ? behind : 'true']
  return { from: `@.${from}`, where: conditions.join(' AND '), order, values }
}

/** What a cursor says. */
function placeOf(kind: StoreRecordKind, after: Cursor): readonly Value[] {
  switch (kind) {
    case 'blockedKey':
    case 'token':
      if (!/^[0-9a-f]{64}$/.test(after)) throw badCursor()
      return [Buffer.from(after, 'hex')]
    case 'device':
    case 'document':
    case 'lease':
    case 'consumer':
      return [plainText(after, 'after')]
    case 'crl': {
      const [scope = 0, delta = 0] = parseNumbers(after, 2) ?? []
      return [scope, delta === 1]
    }
    case 'crlPart': {
      const [scope = 0, delta = 0, part = 0] = parseNumbers(after, 3) ?? []
      return [scope, delta === 1, part]
    }
    default:
      return [parsePosition(after)]
  }
}

function cursorOf(kind: StoreRecordKind, columns: Columns): Cursor {
  if (kind === 'head') return ''
  const [, ...names] = orders[kind]
  const parts = names.map(name => {
    const text = textOf(columns(name))
    if (name === 'delta') return text === 'true' ? '1' : '0'
    return text.startsWith('\\x') && (kind === 'blockedKey' || kind === 'token') ? hexOf(text) : text
  })
  return parts.join('.')
}

/** A key as `find_record` of the server takes it. */
function keyFields(key: StoreRecordKey): object {
  const { kind } = key
  switch (key.kind) {
    case 'head':
      return { kind }
    case 'certificate': {
      const { issuerKeyId, serialNumber } = key.record.id
      return { kind, issuer: hexText(issuerKeyId, 'issuerKeyId'), serial: hexText(serialNumber, 'serialNumber') }
    }
    case 'event':
      return { kind, sequence: key.sequence }
    case 'device':
      return { kind, name: plainText(key.deviceId, 'deviceId') }
    case 'blockedKey':
      return { kind, hash: hashText(key.publicKeyHash, 'publicKeyHash') }
    case 'token':
      return { kind, hash: hashText(key.token.hash, 'hash') }
    case 'document':
    case 'lease':
      return { kind, name: plainText(key.name, 'name') }
    case 'consumer':
      return { kind, name: plainText(key.consumer, 'consumer') }
    case 'crlScope':
    case 'crl':
    case 'crlPart': {
      const scope = { kind, issuer: hexText(key.issuerKeyId, 'issuerKeyId'), shard: key.shard }
      if (key.kind === 'crlScope') return scope
      if (key.kind === 'crl') return { ...scope, delta: key.delta }
      return { ...scope, delta: key.delta, crlNumber: String(key.crlNumber), part: key.part }
    }
  }
}

function columnsOf(json: Column | undefined): Columns {
  const row = jsonOf(json) as Readonly<Record<string, unknown>>
  return name => {
    const value = row[name]
    return value === null || value === undefined ? null : String(value)
  }
}

const recordNames = recordColumns.split(',').map(name => name.trim().slice(2))
const eventNames = 'sequence type at newest_at device_id issuer_key_id serial_number fingerprint details'.split(' ')
const tokenNames = 'hash device_id expires_at profile owner attributes'.split(' ')

/** The record of a row. */
function decode(kind: StoreRecordKind, column: Columns): StoreRecord {
  const number = (name: string): number => numberOf(column(name))
  switch (kind) {
    case 'head': {
      const newest = column('newest_at')
      return {
        kind,
        lastOrdinal: number('last_ordinal'),
        lastSequence: number('last_sequence'),
        ...(isThere(newest) && { newestEventAt: dateOf(newest) }),
      }
    }
    case 'certificate':
      return certificateEntry(column)
    case 'event': {
      const { sequence, cursor: _, ...event } = decodeEvent(eventNames.map(column))
      return { kind, sequence, event }
    }
    case 'device':
      return { kind, deviceId: textOf(column('device_id')), epoch: number('epoch') }
    case 'blockedKey':
      return { kind, publicKeyHash: octetsOf(column('public_key_hash')) }
    case 'token':
      return {
        kind,
        token: decodeToken(tokenNames.map(column)),
        epoch: number('epoch'),
        ...(isThere(column('spent_by')) && { spentBy: number('spent_by') }),
      }
    case 'document':
      return { kind, name: textOf(column('name')), version: number('version'), value: octetsOf(column('value')) }
    case 'crlScope':
      return {
        kind,
        issuerKeyId: hexOf(column('issuer_key_id')),
        shard: number('shard'),
        lastNumber: BigInt(textOf(column('last_number'))),
        lastChange: number('last_change'),
        lastPlace: number('last_place'),
      }
    case 'crl': {
      const note = column('note')
      return {
        kind,
        ...crlName(column),
        thisUpdate: dateOf(column('this_update')),
        nextUpdate: dateOf(column('next_update')),
        ...(isThere(note) && { note }),
        parts: number('parts'),
        digest: octetsOf(column('digest')),
      }
    }
    case 'crlPart':
      return { kind, ...crlName(column), part: number('part'), octets: octetsOf(column('der')) }
    case 'lease':
      return { kind, name: textOf(column('name')), fence: number('fence') }
    case 'consumer':
      return { kind, consumer: textOf(column('name')), sequence: parsePosition(textOf(column('cursor'))) }
  }
}

function certificateEntry(column: Columns): CertificateEntry {
  const number = (name: string): number => numberOf(column(name))
  const record = decodeRecord(recordNames.map(column))
  const heldAt = column('held_at')
  return {
    kind: 'certificate',
    ordinal: number('ordinal'),
    record,
    epoch: number('epoch'),
    ...(record.state === 'reserved' &&
      isThere(column('supersedes')) && {
        supersedes: { ordinal: number('supersedes'), at: dateOf(column('supersede_at')) },
      }),
    ...(isThere(column('superseded_by')) && { supersededBy: number('superseded_by') }),
    ...(isThere(column('revocation_order')) && {
      revocation: {
        place: number('revocation_order'),
        change: number('change'),
        ...(isThere(heldAt) && { heldAt: dateOf(heldAt) }),
      },
    }),
  }
}

function crlName(column: Columns): Required<CrlName> & { readonly crlNumber: bigint } {
  return {
    issuerKeyId: hexOf(column('issuer_key_id')),
    shard: numberOf(column('shard')),
    delta: column('delta') === 'true',
    crlNumber: BigInt(textOf(column('crl_number'))),
  }
}
