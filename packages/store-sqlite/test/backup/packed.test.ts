import { memoryKeyring, type StoreRecord } from '@fleetcert/core'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../../../test-support/tools.ts'
import { decodePacked } from '../../../core/src/store/packed-records.ts'
import { wholeFleet } from '../../../core/test/backup/whole-fleet.ts'
import { sqliteStore } from '../../src/index.ts'

const folder = temporaryDirectory()
afterAll(folder.remove)

type Kind = 'certificate' | 'event'

async function listed(
  store: ReturnType<typeof sqliteStore>,
  kind: Kind,
  limit: number,
): Promise<readonly StoreRecord[]> {
  const records: StoreRecord[] = []
  for (let after = ''; ; ) {
    const page = await store.exportRecords({ kind, after, limit })
    records.push(...page.items)
    if (page.next === undefined) return records
    after = page.next
  }
}

async function packed(
  store: ReturnType<typeof sqliteStore>,
  kind: Kind,
  limit: number,
  through?: number,
): Promise<{ records: readonly StoreRecord[]; count: number; next: string }> {
  const records: StoreRecord[] = []
  let count = 0
  for (let after = ''; ; ) {
    const page = await store.exportPacked!({ kind, after, limit, ...(through === undefined ? {} : { through }) })
    const unpacked = decodePacked(kind, page.packed)
    expect(unpacked).toHaveLength(page.count)
    records.push(...[...unpacked, ...page.records].sort((a, b) => placeOf(a) - placeOf(b)))
    count += page.count
    after = page.next
    if (page.isLast) return { records, count, next: after }
  }
}

function placeOf(record: StoreRecord): number {
  return record.kind === 'certificate' ? record.ordinal : record.kind === 'event' ? record.sequence : Number.NaN
}

describe('packed rows', () => {
  it('are the records, in stretches of any length', async () => {
    const store = sqliteStore({ file: folder.path('file.db') })
    const keyring = memoryKeyring()
    const { fleet } = await wholeFleet(store, keyring)
    for (let index = 0; index < 10; index += 1) {
      await fleet.enroll(`more-${index}`, { owner: 'o', attributes: { a: '1', b: String(index) } })
    }
    for (const kind of ['certificate', 'event'] as const) {
      const all = await listed(store, kind, 1000)
      expect(all.length).toBeGreaterThan(10)
      for (const limit of [1, 7, 1000]) {
        const { records, count } = await packed(store, kind, limit)
        expect(records).toEqual(all)
        expect(count).toBeGreaterThan(all.length / 2)
      }
      const until = placeOf(all[9]!)
      const first = await packed(store, kind, 4, until)
      expect(first.records).toEqual(all.slice(0, 10))
      // To go on from there.
      expect((await store.exportRecords({ kind, after: first.next, limit: 1000 })).items).toEqual(all.slice(10))
    }
    await fleet.close()
  })
})

describe('what is no packed row', () => {
  const row = (json: unknown, ...octets: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from(`${JSON.stringify(json)}\n`), ...octets.map(length => Buffer.alloc(length, 7))])
  const certificate = [1, 0, 'issued', 'device', 'device', 0, 1, 0, 0, 'x', null, null, null, null, 32, 16, 400]
  const event = [1, 'issued', 0, null, null, null, null, null]

  it('is told from what is one', () => {
    expect(decodePacked('certificate', row(certificate, 32, 16, 32, 32, 400))).toHaveLength(1)
    expect(decodePacked('event', row(event))).toHaveLength(1)
    expect(decodePacked('event', Buffer.concat([row(event), row(event)]))).toHaveLength(2)
  })

  it.each([
    ['certificate', row(certificate, 32, 16, 32, 32, 399)],
    ['certificate', row(certificate.slice(1), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(16, 2 ** 40), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(16, -1), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(14, null), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(2, 'reserved'), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(5, 'today'), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(9, 5), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(11, '{'), 32, 16, 32, 32, 400)],
    ['certificate', row(certificate.with(11, '5'), 32, 16, 32, 32, 400)],
    ['certificate', row({}, 32, 16, 32, 32, 400)],
    ['event', row(event.with(1, null))],
    ['event', row(event.with(5, '{"a":{}}'))],
    ['event', row(event.with(6, 32), 5)],
    ['event', Buffer.from('[1]')],
    ['event', Buffer.from('nonsense\n')],
  ] as const)('%s %#', (kind, octets) => {
    expect(() => decodePacked(kind, octets)).toThrow(expect.objectContaining({ code: 'ERR_PKI_STORE_RECORD' }))
  })
})
