import { createHash, randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type {
  CrlEntriesPage,
  CrlEntriesQuery,
  CrlHead,
  CrlName,
  CrlParts,
  CrlScope,
  CrlState,
  Cursor,
  Events,
  Lease,
} from '@fleetcert/core'
import {
  assertCrl,
  assertEntriesLimit,
  hexOctets,
  hexText,
  milliseconds,
  parseNumbers,
  parsePosition,
  plainText,
} from '../arguments.ts'
import { type Column, dateOf, flagOf, isThere, numberOf, octetsOf, type Row, textOf } from '../columns.ts'
import { encodeEvents } from '../event.ts'
import type { Change, Server } from '../server.ts'
import { storeCorrupt } from '../store-errors.ts'
import { leaseFields } from './subject.ts'

const partsPerQuery = 4

/** An empty `bytea`. */
const noOctets = '\\x'

/** How long an upload that nobody finishes is kept, and a CRL that was replaced, for those who are reading it. */
const uploadSeconds = 600

export function nextCrlNumber(scope: CrlScope): Change {
  return { do: 'nextCrlNumber', issuer: hexText(scope.issuerKeyId, 'issuerKeyId'), shard: scope.shard }
}

/** Uploads the parts, and resolves what makes them the CRL of that name. `isStopped` throws when the caller has given up. */
export async function uploadCrl(
  server: Server,
  name: CrlName,
  crl: CrlParts,
  lease: Lease | undefined,
  events: Events,
  isStopped: () => void,
): Promise<Change> {
  assertCrl(crl)
  const upload = randomBytes(16)
  const digest = createHash('sha256')
  const change = {
    do: 'putCrl',
    issuer: hexText(name.issuerKeyId, 'issuerKeyId'),
    shard: name.shard,
    delta: name.delta === true,
    crlNumber: String(crl.crlNumber),
    thisUpdate: milliseconds(crl.thisUpdate, 'thisUpdate'),
    nextUpdate: milliseconds(crl.nextUpdate, 'nextUpdate'),
    ...(crl.note !== undefined && { note: plainText(crl.note, 'note') }),
    upload: upload.toString('hex'),
    parts: crl.parts.length,
    ...leaseFields(lease),
    events: encodeEvents(events),
  }
  await removeUploads(server)
  const { parts } = crl
  for (let index = 0; index < parts.length; index += 1) {
    const octets = parts[index]!
    const length = Buffer.alloc(4)
    length.writeUInt32BE(octets.length)
    digest.update(length).update(octets)
    await server.ask(
      `WITH begun AS (INSERT INTO @.crl_uploads (upload, since) SELECT $1::bytea, clock_timestamp() WHERE $2::bigint = 0)
       INSERT INTO @.crl_parts (upload, part, der) VALUES ($1, $2, $3)`,
      upload,
      index,
      octets,
    )
    isStopped()
  }
  return { ...change, digest: digest.digest('hex') }
}

/** Removes what nobody finished, and what was replaced and nobody reads any more. */
async function removeUploads(server: Server): Promise<void> {
  await server.ask(
    `WITH old AS (
       DELETE FROM @.crl_uploads u WHERE u.since < clock_timestamp() - make_interval(secs => $1) RETURNING u.upload)
     DELETE FROM @.crl_parts p USING old WHERE p.upload = old.upload`,
    uploadSeconds,
  )
}

export async function crlState(server: Server, scope: CrlScope): Promise<CrlState> {
  const rows = await headRows(server, scope)
  const full = rows.find(row => isThere(row[1]) && !flagOf(row[1]))
  const delta = rows.find(row => flagOf(row[1]))
  return {
    position: String(rows[0] === undefined ? 0 : numberOf(rows[0][0])),
    ...(full && { full: decodeHead(full) }),
    ...(delta && { delta: decodeHead(delta) }),
  }
}

/** Read without holding the event loop. */
export async function crl(server: Server, name: CrlName, isStopped: () => void): Promise<CrlParts | undefined> {
  let known: Column | undefined
  for (;;) {
    const rows = await headRows(server, name)
    const row = rows.find(each => isThere(each[1]) && flagOf(each[1]) === (name.delta === true))
    if (row === undefined) return undefined
    if (row[6] === known) throw storeCorrupt('parts of a CRL are missing')
    known = row[6]
    const parts = await readParts(server, octetsOf(row[6]), numberOf(row[7]), isStopped)
    // Else another one was put meanwhile, and this one removed: from the beginning.
    if (parts !== undefined) return { ...decodeHead(row), parts }
  }
}

async function readParts(
  server: Server,
  upload: Uint8Array,
  count: number,
  isStopped: () => void,
): Promise<readonly Uint8Array[] | undefined> {
  const parts: Uint8Array[] = []
  while (parts.length < count) {
    const rows = await server.ask(
      'SELECT p.der FROM @.crl_parts p WHERE p.upload = $1 AND p.part >= $2 AND p.part < $3 ORDER BY p.part',
      upload,
      parts.length,
      parts.length + partsPerQuery,
    )
    if (rows.length === 0) return undefined
    parts.push(...rows.map(([der]) => octetsOf(der)))
    isStopped()
    await nextTurn()
  }
  return parts
}

/** One row for each CRL of a scope, or one without a CRL. */
function headRows(server: Server, scope: CrlScope): Promise<readonly Row[]> {
  return server.ask(
    `SELECT h.last_change, h.delta, h.crl_number, h.this_update, h.next_update, h.note, h.upload, h.parts
     FROM @.crl_heads h WHERE @.assert_primary() AND h.issuer_key_id = $1 AND h.shard = $2`,
    hexOctets(scope.issuerKeyId, 'issuerKeyId'),
    scope.shard,
  )
}

function decodeHead([, , number, thisUpdate, nextUpdate, note]: Row): CrlHead {
  return {
    crlNumber: BigInt(textOf(number)),
    thisUpdate: dateOf(thisUpdate),
    nextUpdate: dateOf(nextUpdate),
    ...(isThere(note) && { note: textOf(note) }),
  }
}

export async function crlEntries(
  server: Server,
  { issuerKeyId, shard }: CrlScope,
  { without, changedSince }: CrlEntriesQuery,
  page: { readonly after?: Cursor; readonly limit: number },
): Promise<CrlEntriesPage> {
  assertEntriesLimit(page.limit)
  const [bound = null, last = null, change = null] = parseNumbers(page.after, 3) ?? []
  const [row] = await server.ask(
    'SELECT * FROM @.crl_entries_page($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    hexOctets(issuerKeyId, 'issuerKeyId'),
    shard,
    without === undefined ? null : milliseconds(without.endedBefore, 'endedBefore'),
    without === undefined ? null : parsePosition(without.unchangedSince),
    changedSince === undefined ? null : parsePosition(changedSince),
    bound,
    last,
    change,
    page.limit,
  )
  const [entries, changes, upTo, end, position] = row!
  const [final, place, at] = [numberOf(upTo), numberOf(end), numberOf(position)]
  return {
    entries: octetsOf(entries ?? noOctets),
    changes: octetsOf(changes ?? noOctets),
    position: String(at),
    ...(place < final && { next: `${final}.${place}.${at}` }),
  }
}
