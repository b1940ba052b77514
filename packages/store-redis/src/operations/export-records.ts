import type {
  CrlEntry,
  CrlName,
  CrlPartEntry,
  CrlScopeEntry,
  Cursor,
  EnrollmentToken,
  ExportRequest,
  LedgerEntry,
  Page,
  StoreRecord,
  StoreRecordKey,
  StoreRecordKind,
  TokenEntry,
} from '@fleetcert/core'
import { idOctets, parsePosition, scopeOctets } from '../arguments.ts'
import { decodeEntry, exportedElements } from '../certificate-entry.ts'
import { decodeCrlHead, type StoredCrlHead, toCrlHead } from '../crl-head.ts'
import { decodeEvent } from '../event.ts'
import { OctetReader } from '../octet-reader.ts'
import { asBuffer, ownOctets } from '../octets.ts'
import type { RedisArgument } from '../redis-client.ts'
import { isNothing, listOf, numberOf, octetsOf, textOf } from '../replies.ts'
import { crlParts as crlPartsScript } from '../scripts/crls.ts'
import {
  exportDevices,
  exportDevicesByKey,
  exportEvents,
  exportEventsByKey,
  exportFields,
  exportHead,
  exportRows,
  exportRowsById,
  exportScopes,
  exportTokens,
} from '../scripts/export-records.ts'
import type { Server } from '../server.ts'
import { badCursor } from '../store-errors.ts'
import { unknownSpender } from './import-records.ts'

/** How much one script looks at: others wait meanwhile. */
const perScript = 200
const partsPerPage = 4
const hashesOfDevices = 16_384

interface PageRequest {
  readonly after: Cursor
  readonly limit: number
}

/** `isStopped` throws when the caller has given up. */
export async function exportRecords(
  server: Server,
  request: ExportRequest,
  isStopped: () => void,
): Promise<Page<StoreRecord>> {
  if ('keys' in request) return { items: await findRecords(server, request.keys, isStopped) }
  const { kind, after = '', limit } = request
  return await listings[kind](server, { after, limit }, isStopped)
}

type Listing = (server: Server, page: PageRequest, isStopped: () => void) => Promise<Page<StoreRecord>>

const listings: Readonly<Record<StoreRecordKind, Listing>> = {
  certificate: listRows,
  event: listEvents,
  device: listDevices,
  blockedKey: listBlockedKeys,
  token: listTokens,
  document: (server, page) => listHash(server, 'w', page, toDocument),
  lease: (server, page) => listHash(server, 't', page, toLease),
  consumer: (server, page) => listHash(server, 'n', page, toConsumer),
  crlScope: async server => ({ items: (await readScopes(server, [])).map(({ entry }) => entry) }),
  crl: async server => ({
    items: (await readScopes(server, [])).flatMap(({ crls }) => crls.map(({ entry }) => entry)),
  }),
  crlPart: listParts,
  head: async server => ({ items: [await readHead(server)] }),
}

async function listRows(
  server: Server,
  { after, limit }: PageRequest,
  isStopped: () => void,
): Promise<Page<StoreRecord>> {
  const items: StoreRecord[] = []
  let last = parsePosition(after)
  for (;;) {
    const wanted = Math.min(limit - items.length, perScript)
    const answer = listOf(await server.read(exportRows, String(last), String(wanted)))
    for (let at = 2; at < answer.length; at += exportedElements) items.push(decodeEntry(answer, at))
    last = Math.max(last, numberOf(answer[0]))
    if (numberOf(answer[1]) === 0) return { items }
    if (items.length >= limit) return { items, next: String(last) }
    isStopped()
  }
}

async function listEvents(
  server: Server,
  { after, limit }: PageRequest,
  isStopped: () => void,
): Promise<Page<StoreRecord>> {
  const items: LedgerEntry[] = []
  let last = parsePosition(after)
  for (;;) {
    const wanted = Math.min(limit - items.length, 2 * perScript)
    const some = toEvents(listOf(await server.read(exportEvents, String(last), String(wanted))))
    items.push(...some)
    last = items.at(-1)?.sequence ?? last
    if (some.length < wanted) return { items }
    if (items.length >= limit) return { items, next: String(last) }
    isStopped()
  }
}

async function listDevices(
  server: Server,
  { after, limit }: PageRequest,
  isStopped: () => void,
): Promise<Page<StoreRecord>> {
  const items: StoreRecord[] = []
  let next = parsePosition(after)
  while (next < hashesOfDevices) {
    const answer = listOf(await server.read(exportDevices, String(next), String(limit - items.length)))
    items.push(...toDevices(answer.slice(1)))
    next = numberOf(answer[0])
    if (items.length >= limit && next < hashesOfDevices) return { items, next: String(next) }
    isStopped()
  }
  return { items }
}

async function listBlockedKeys(server: Server, { after, limit }: PageRequest): Promise<Page<StoreRecord>> {
  const { next, elements } = await scan(server, 'SSCAN', 'b', after, limit)
  const items = elements.map((key): StoreRecord => ({ kind: 'blockedKey', publicKeyHash: ownOctets(octetsOf(key)) }))
  return { items, ...next }
}

async function listTokens(server: Server, { after, limit }: PageRequest): Promise<Page<StoreRecord>> {
  const place = Buffer.from(after, 'hex')
  if (place.toString('hex') !== after) throw badCursor()
  const answer = listOf(await server.read(exportTokens, place, String(Math.min(limit, perScript))))
  const items = pairs(answer.slice(1)).map(([hash, token]) => toToken(octetsOf(hash), octetsOf(token)))
  return { items, ...(!isNothing(answer[0]) && { next: octetsOf(answer[0]).toString('hex') }) }
}

async function listHash(
  server: Server,
  name: string,
  { after, limit }: PageRequest,
  toRecord: (field: string, value: Buffer) => StoreRecord,
): Promise<Page<StoreRecord>> {
  const { next, elements } = await scan(server, 'HSCAN', name, after, limit)
  const items = pairs(elements).map(([field, value]) => toRecord(octetsOf(field).toString(), octetsOf(value)))
  return { items, ...next }
}

/** Some elements of a set or hash. What is there from the first page to the last is given once at the least. */
async function scan(
  server: Server,
  command: 'SSCAN' | 'HSCAN',
  key: string,
  after: Cursor,
  limit: number,
): Promise<{ readonly next?: { readonly next: Cursor }; readonly elements: readonly unknown[] }> {
  if (!/^\d{0,20}$/.test(after)) throw badCursor()
  const count = String(Math.min(limit, perScript))
  const [cursor, elements] = listOf(await server.command(command, key, after || '0', 'COUNT', count))
  const next = textOf(cursor)
  return { elements: listOf(elements), ...(next !== '0' && { next: { next } }) }
}

/** Parts of all CRLs, in the order of the octets of their scopes. */
async function listParts(server: Server, { after, limit }: PageRequest): Promise<Page<StoreRecord>> {
  const [name = '', number = '', part = '0', ...rest] = after === '' ? [] : after.split('.')
  if (rest.length > 0 || !/^\d{0,19}$/.test(number)) throw badCursor()
  const crls = (await readScopes(server, [])).flatMap(scope => scope.crls)
  const named = crls.map(crl => ({ ...crl, name: nameOf(crl.entry) })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const index = named.findIndex(crl => crl.name >= name)
  const crl = named[index]
  if (crl === undefined) return { items: [] }
  // Of one that has taken its place meanwhile, from the beginning.
  const from = crl.name === name && String(crl.entry.crlNumber) === number ? parsePosition(part) : 0
  const count = Math.min(limit, partsPerPage, crl.entry.parts - from)
  const items = count > 0 ? await readParts(server, crl, from, count) : []
  const end = from + Math.max(count, 0)
  if (end < crl.entry.parts) return { items, next: `${crl.name}.${crl.entry.crlNumber}.${end}` }
  const following = named[index + 1]
  return { items, ...(following && { next: `${following.name}.${following.entry.crlNumber}.0` }) }
}

function nameOf(crl: Required<CrlName>): string {
  return `${scopeOctets(crl).toString('hex')}${crl.delta ? 'd' : 'f'}`
}

/** None where another one has taken its place. */
async function readParts(
  server: Server,
  { entry, head }: ScopeCrl,
  from: number,
  count: number,
): Promise<readonly CrlPartEntry[]> {
  const { issuerKeyId, shard, delta, crlNumber } = entry
  const parts = listOf(await server.read(crlPartsScript, head.upload, String(from + 1), String(from + count)))
  return parts.map((octets, index) => ({
    kind: 'crlPart',
    issuerKeyId,
    shard,
    delta,
    crlNumber,
    part: from + index,
    octets: ownOctets(octetsOf(octets)),
  }))
}

async function findRecords(
  server: Server,
  keys: readonly StoreRecordKey[],
  isStopped: () => void,
): Promise<readonly StoreRecord[]> {
  const items: StoreRecord[] = []
  // Keys of one kind in a row are asked for together.
  for (let from = 0; from < keys.length; ) {
    const { kind } = keys[from]!
    let to = from + 1
    while (to < keys.length && to - from < perScript && keys[to]!.kind === kind) to++
    items.push(...(await findOfKind(server, keys.slice(from, to))))
    from = to
    if (from < keys.length) isStopped()
  }
  return items
}

function ofKind<Kind extends StoreRecordKind>(
  keys: readonly StoreRecordKey[],
  kind: Kind,
): readonly Extract<StoreRecordKey, { kind: Kind }>[] {
  return keys.filter((key): key is Extract<StoreRecordKey, { kind: Kind }> => key.kind === kind)
}

async function findOfKind(server: Server, keys: readonly StoreRecordKey[]): Promise<readonly StoreRecord[]> {
  const { kind } = keys[0]!
  const fields = async (name: string, of: readonly RedisArgument[]) =>
    pairs(listOf(await server.read(exportFields, name, ...of))).map(
      ([field, value]) => [octetsOf(field), octetsOf(value)] as const,
    )
  switch (kind) {
    case 'head':
      return [await readHead(server)]
    case 'certificate': {
      const ids = ofKind(keys, kind).flatMap(({ record }) => Object.values(idOctets(record.id)))
      const answer = listOf(await server.read(exportRowsById, ...ids))
      return Array.from({ length: answer.length / exportedElements }, (_, index) =>
        decodeEntry(answer, index * exportedElements),
      )
    }
    case 'event': {
      const sequences = ofKind(keys, kind).map(({ sequence }) => String(sequence))
      return toEvents(listOf(await server.read(exportEventsByKey, ...sequences)))
    }
    case 'device': {
      const ids = ofKind(keys, kind).map(({ deviceId }) => deviceId)
      return toDevices(listOf(await server.read(exportDevicesByKey, ...ids)))
    }
    case 'blockedKey': {
      const hashes = ofKind(keys, kind).map(({ publicKeyHash }) => asBuffer(publicKeyHash))
      const found = listOf(await server.command('SMISMEMBER', 'b', ...hashes))
      return hashes
        .filter((_, index) => numberOf(found[index]) === 1)
        .map(hash => ({ kind, publicKeyHash: ownOctets(hash) }))
    }
    case 'token': {
      const hashes = ofKind(keys, kind).map(({ token }) => asBuffer(token.hash))
      return (await fields('T', hashes)).map(([hash, token]) => toToken(hash, token))
    }
    case 'document': {
      const names = ofKind(keys, kind).map(({ name }) => name)
      return (await fields('w', names)).map(([name, value]) => toDocument(name.toString(), value))
    }
    case 'lease': {
      const names = ofKind(keys, kind).map(({ name }) => name)
      return (await fields('t', names)).map(([name, value]) => toLease(name.toString(), value))
    }
    case 'consumer': {
      const names = ofKind(keys, kind).map(({ consumer }) => consumer)
      return (await fields('n', names)).map(([name, value]) => toConsumer(name.toString(), value))
    }
    case 'crlScope':
      return (await readScopes(server, ofKind(keys, kind).map(scopeOctets))).map(({ entry }) => entry)
    case 'crl':
      return (await findCrls(server, ofKind(keys, kind))).flatMap(crl => crl?.entry ?? [])
    case 'crlPart':
      return findParts(server, ofKind(keys, kind))
  }
}

async function findParts(
  server: Server,
  keys: readonly Extract<StoreRecordKey, { kind: 'crlPart' }>[],
): Promise<readonly StoreRecord[]> {
  const crls = await findCrls(server, keys)
  const items: StoreRecord[] = []
  for (const [index, { crlNumber, part }] of keys.entries()) {
    const crl = crls[index]
    if (crl?.entry.crlNumber !== crlNumber || part >= crl.entry.parts) continue
    items.push(...(await readParts(server, crl, part, 1)))
  }
  return items
}

/** The current CRL of each name, in their order; `undefined` where there is none. */
async function findCrls(
  server: Server,
  names: readonly Required<CrlName>[],
): Promise<readonly (ScopeCrl | undefined)[]> {
  const crls = (await readScopes(server, names.map(scopeOctets))).flatMap(scope => scope.crls)
  return names.map(name => crls.find(({ entry }) => nameOf(entry) === nameOf(name)))
}

async function readHead(server: Server): Promise<StoreRecord> {
  const [ordinal, sequence, newest] = listOf(await server.read(exportHead))
  return {
    kind: 'head',
    lastOrdinal: numberOf(ordinal),
    lastSequence: numberOf(sequence),
    ...(!isNothing(newest) && { newestEventAt: new Date(numberOf(newest)) }),
  }
}

interface ScopeCrl {
  readonly entry: CrlEntry
  readonly head: StoredCrlHead
}

interface Scope {
  readonly entry: CrlScopeEntry
  readonly crls: readonly ScopeCrl[]
}

/** Those scopes, in their order, or all. */
async function readScopes(server: Server, scopes: readonly Buffer[]): Promise<readonly Scope[]> {
  const answer = listOf(await server.read(exportScopes, ...scopes))
  const found: Scope[] = []
  for (let at = 0; at + 5 < answer.length; at += 6) {
    const reader = new OctetReader(octetsOf(answer[at]))
    const name = { issuerKeyId: reader.counted(1).toString('hex'), shard: reader.number(4) }
    const crlOf = (head: unknown, delta: boolean): ScopeCrl[] => {
      if (isNothing(head)) return []
      const stored = decodeCrlHead(octetsOf(head))
      const { count: parts, digest } = stored
      return [
        {
          entry: { kind: 'crl', ...name, delta, ...toCrlHead(stored), parts, digest: ownOctets(digest) },
          head: stored,
        },
      ]
    }
    found.push({
      entry: {
        kind: 'crlScope',
        ...name,
        lastNumber: BigInt(textOf(answer[at + 1])),
        lastChange: numberOf(answer[at + 2]),
        lastPlace: numberOf(answer[at + 3]),
      },
      crls: [...crlOf(answer[at + 4], false), ...crlOf(answer[at + 5], true)],
    })
  }
  return found
}

function toEvents(answer: readonly unknown[]): readonly LedgerEntry[] {
  return pairs(answer).map(([number, octets]) => {
    const { sequence, cursor: _, ...event } = decodeEvent(numberOf(number), octetsOf(octets))
    return { kind: 'event', sequence, event }
  })
}

function toDevices(answer: readonly unknown[]): readonly StoreRecord[] {
  return pairs(answer).map(([id, epoch]) => ({
    kind: 'device',
    deviceId: octetsOf(id).toString(),
    epoch: numberOf(epoch),
  }))
}

function toToken(hash: Buffer, octets: Buffer): TokenEntry {
  const reader = new OctetReader(octets)
  const expiresAt = reader.date()
  const epoch = reader.number(4)
  const spentBy = reader.number(6)
  const deviceId = reader.text(2)
  const grant: Pick<EnrollmentToken, 'profile' | 'owner' | 'attributes'> = JSON.parse(reader.rest().toString())
  return {
    kind: 'token',
    token: { hash: ownOctets(hash), deviceId, expiresAt, ...grant },
    epoch,
    ...(spentBy > 0 && { spentBy: spentBy === unknownSpender ? 0 : spentBy }),
  }
}

function toDocument(name: string, octets: Buffer): StoreRecord {
  return { kind: 'document', name, version: octets.readUIntBE(0, 6), value: ownOctets(octets.subarray(6)) }
}

function toLease(name: string, octets: Buffer): StoreRecord {
  return { kind: 'lease', name, fence: octets.readUIntBE(0, 6) }
}

function toConsumer(consumer: string, octets: Buffer): StoreRecord {
  return { kind: 'consumer', consumer, sequence: parsePosition(octets.toString()) }
}

function pairs(answer: readonly unknown[]): readonly (readonly [unknown, unknown])[] {
  return Array.from({ length: answer.length / 2 }, (_, index) => [answer[2 * index], answer[2 * index + 1]] as const)
}
