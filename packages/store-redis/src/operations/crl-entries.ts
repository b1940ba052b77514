import type { CrlEntriesPage, CrlEntriesQuery, CrlScope, Cursor, Page, RevokedEntry } from '@fleetcert/core'
import {
  assertEntriesLimit,
  assertLimit,
  parseChange,
  parseCrlEntriesPosition,
  parseRevokedPosition,
  scopeOctets,
} from '../arguments.ts'
import { decodeRows } from '../certificate-row.ts'
import {
  type CrlPlace,
  changeOf,
  decodePlaces,
  endOf,
  entryList,
  isReleasedAt,
  scanPlaces,
  stringOfPlace,
} from '../crl-places.ts'
import { listOf, numberOf, octetsOf } from '../replies.ts'
import { crlPlaces, crlState } from '../scripts/crls.ts'
import { getRows } from '../scripts/listings.ts'
import type { Server } from '../server.ts'

/** Strings of places that one script answers: some 150 KB. */
const stringsPerScript = 16

interface PageRequest {
  readonly after?: Cursor
  readonly limit: number
}

export async function crlEntries(
  server: Server,
  scope: CrlScope,
  { without, changedSince }: CrlEntriesQuery,
  page: PageRequest,
): Promise<CrlEntriesPage> {
  assertEntriesLimit(page.limit)
  const octets = scopeOctets(scope)
  const position = parseCrlEntriesPosition(page.after)
  const asked = server.read(crlState, octets)
  // From the second page on it is known which places are next.
  const ahead =
    position && readStrings(server, octets, position.last, Math.min(position.last + page.limit, position.bound))
  ahead?.catch(() => {})
  const state = listOf(await asked)
  const latest = numberOf(state[0])
  const unchangedSince = without === undefined ? -1 : parseChange(without.unchangedSince, latest)
  const since = changedSince === undefined ? Number.POSITIVE_INFINITY : parseChange(changedSince, latest)
  const endedBefore = without?.endedBefore.getTime() ?? Number.NEGATIVE_INFINITY
  const { bound, last, change } = position ?? { bound: numberOf(state[1]), last: 0, change: latest }
  const end = Math.min(last + page.limit, bound)
  const strings = await (ahead ?? readStrings(server, octets, last, end))
  const room = strings.reduce((sum, { octets: { length } }) => sum + length, 0)
  const entries = entryList(room)
  const changes = entryList(since === Number.POSITIVE_INFINITY ? 0 : room)
  for (const { index, octets: places } of strings) {
    scanPlaces(index, places, (place, beginsAt, endsAt) => {
      if (place <= last || place > end) return
      const changed = changeOf(places, beginsAt)
      if (endOf(places, beginsAt) < endedBefore && changed <= unchangedSince) return
      if (!isReleasedAt(places, beginsAt)) entries.add(places, beginsAt, endsAt)
      if (changed > since) changes.add(places, beginsAt, endsAt)
    })
  }
  return {
    entries: entries.octets(),
    changes: changes.octets(),
    position: String(change),
    ...(end < bound && { next: `${bound}.${end}.${change}` }),
  }
}

/** `isStopped` throws when the caller has given up. */
export async function revoked(
  server: Server,
  scope: CrlScope,
  page: PageRequest,
  isStopped: () => void,
): Promise<Page<RevokedEntry>> {
  assertLimit(page.limit)
  const octets = scopeOctets(scope)
  const position = parseRevokedPosition(page.after)
  const bound = position?.bound ?? numberOf(listOf(await server.read(crlState, octets))[1])
  const items: RevokedEntry[] = []
  let last = position?.last ?? 0
  let next: Cursor | undefined
  while (last < bound && next === undefined) {
    const end = Math.min(last + Math.min(page.limit, 1000), bound)
    const places = (await readPlaces(server, octets, last, end)).filter(place => !place.isReleased)
    const rows = await rowsOf(server, places)
    for (const { place, ordinal } of places) {
      const record = rows.get(ordinal.readUIntBE(0, 6))
      if (record?.revocation === undefined) continue
      if (items.length === page.limit) {
        next = `${bound}.${last}`
        break
      }
      last = place
      const { id, revocation, notAfter } = record
      items.push({ serialNumber: id.serialNumber, revocation, notAfter })
    }
    if (next === undefined) last = end
    isStopped()
  }
  return next === undefined ? { items } : { items, next }
}

async function rowsOf(
  server: Server,
  places: readonly CrlPlace[],
): Promise<ReadonlyMap<number, ReturnType<typeof decodeRows>[number]['record']>> {
  if (places.length === 0) return new Map()
  const rows = decodeRows(listOf(await server.read(getRows, ...places.map(({ ordinal }) => ordinal))), 0)
  return new Map(rows.map(({ ordinal, record }) => [ordinal, record]))
}

/** The places behind `last`, up to `end`. */
async function readPlaces(server: Server, scope: Buffer, last: number, end: number): Promise<CrlPlace[]> {
  const strings = await readStrings(server, scope, last, end)
  return strings
    .flatMap(({ index, octets }) => decodePlaces(index, octets))
    .filter(({ place }) => place > last && place <= end)
}

interface PlacesString {
  readonly index: number
  readonly octets: Buffer
}

/** The strings with the places behind `last`, up to `end`. They are asked for together. */
async function readStrings(server: Server, scope: Buffer, last: number, end: number): Promise<PlacesString[]> {
  if (end <= last) return []
  const final = stringOfPlace(end)
  const asked: Promise<PlacesString[]>[] = []
  const ask = async (first: number, until: number): Promise<PlacesString[]> => {
    const strings = listOf(await server.read(crlPlaces, scope, String(first), String(until)))
    return strings.map((octets, offset) => ({ index: first + offset, octets: octetsOf(octets) }))
  }
  for (let first = stringOfPlace(last + 1); first <= final; first += stringsPerScript) {
    asked.push(ask(first, Math.min(first + stringsPerScript - 1, final)))
  }
  return (await Promise.all(asked)).flat()
}
