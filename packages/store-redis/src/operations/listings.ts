import type {
  CertificateId,
  CertificateQuery,
  CertificateRecord,
  CertificateStatus,
  Cursor,
  Page,
} from '@fleetcert/core'
import { assertLimit, idOctets, ordinalOctets, parsePosition } from '../arguments.ts'
import { type CertificateRow, decodeRows, decodeStatus } from '../certificate-row.ts'
import { dateText } from '../octets.ts'
import { listOf, numberOf, octetsOf } from '../replies.ts'
import { certificateById } from '../scripts/certificate.ts'
import { listDevice, listDevices, listRows } from '../scripts/listings.ts'
import type { Server } from '../server.ts'
import { type IndexedQuery, rowQuery } from './row-query.ts'

/** How many rows one script answers, or looks at: others wait meanwhile. */
const rowsPerScript = 200

interface PageRequest {
  readonly after?: Cursor
  readonly limit: number
}

export async function certificate(server: Server, id: CertificateId): Promise<CertificateRecord | undefined> {
  const { issuer, serial } = idOctets(id)
  return decodeRows(listOf(await server.read(certificateById, issuer, serial, 'octets')), 0)[0]?.record
}

export async function certificateStatus(server: Server, id: CertificateId): Promise<CertificateStatus | undefined> {
  const { issuer, serial } = idOctets(id)
  const answer = listOf(await server.read(certificateById, issuer, serial, ''))
  return answer.length === 0 ? undefined : decodeStatus(octetsOf(answer[1]))
}

/** `isStopped` throws when the caller has given up. */
export async function certificates(
  server: Server,
  query: CertificateQuery,
  page: PageRequest,
  isStopped: () => void,
): Promise<Page<CertificateRecord>> {
  assertLimit(page.limit)
  if (query.list === 'devices') return devices(server, query, page, isStopped)
  const rows: CertificateRow[] = []
  let { after } = page
  for (;;) {
    const limit = Math.min(page.limit - rows.length, rowsPerScript)
    const { items, next } =
      query.list === 'device'
        ? await deviceRows(server, query.deviceId, after, limit)
        : await indexedRows(server, query, after, limit)
    rows.push(...items)
    const records = (): CertificateRecord[] => rows.map(row => row.record)
    if (next === undefined) return { items: records() }
    if (rows.length === page.limit) return { items: records(), next }
    after = next
    isStopped()
  }
}

async function indexedRows(
  server: Server,
  query: IndexedQuery,
  after: Cursor | undefined,
  limit: number,
): Promise<Page<CertificateRow>> {
  const { args, place } = rowQuery(query, after)
  const answer = listOf(await server.read(listRows, ...args, place, String(limit)))
  const items = decodeRows(answer, 1)
  const last = items.at(-1)
  if (last === undefined || numberOf(answer[0]) === 0) return { items }
  const { ordinal, record } = last
  return { items, next: query.list === 'created' ? `${record.createdAt.getTime()}.${ordinal}` : String(ordinal) }
}

async function deviceRows(
  server: Server,
  deviceId: string,
  after: Cursor | undefined,
  limit: number,
): Promise<Page<CertificateRow>> {
  const before = parsePosition(after)
  const answer = listOf(
    await server.read(listDevice, deviceId, before === 0 ? '' : ordinalOctets(before), String(limit)),
  )
  const items = decodeRows(answer, 1)
  const last = items.at(-1)
  return last === undefined || numberOf(answer[0]) === 0 ? { items } : { items, next: String(last.ordinal) }
}

async function devices(
  server: Server,
  { owner, role, expiringBefore }: Extract<CertificateQuery, { list: 'devices' }>,
  page: PageRequest,
  isStopped: () => void,
): Promise<Page<CertificateRecord>> {
  const items: CertificateRecord[] = []
  // One more than asked for tells whether there is a next page.
  const wanted = page.limit + 1
  let after = page.after ?? ''
  for (;;) {
    const answer = listOf(
      await server.read(
        listDevices,
        owner ?? '',
        owner === undefined ? '0' : '1',
        role ?? '',
        expiringBefore === undefined ? '' : dateText(expiringBefore, 'expiringBefore'),
        after,
        String(Math.min(wanted - items.length, rowsPerScript)),
        String(rowsPerScript),
      ),
    )
    items.push(...decodeRows(answer, 1).map(row => row.record))
    if (items.length === wanted) {
      items.pop()
      return { items, next: items.at(-1)!.deviceId! }
    }
    after = octetsOf(answer[0]).toString()
    if (after === '') return { items }
    isStopped()
  }
}
