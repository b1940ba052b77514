import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import {
  type CertificateId,
  memoryStore,
  type Reservation,
  type Revocation,
  type RevocationQuery,
  type Store,
} from '@fleetcert/core'
import { type SqliteDatabase, sqliteStore } from '@fleetcert/store-sqlite'
import fc from 'fast-check'
import { it } from 'vitest'

// The memory store is a model of this one: whatever is done to both, both answer the same, events included.

const start = Date.UTC(2026, 0, 1)
const at = (seconds: number): Date => new Date(start + seconds * 1000)
const sha256 = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest())
const issuerKeyId = 'ab'.repeat(32)
const serialOf = (index: number): CertificateId => ({ issuerKeyId, serialNumber: (0x1000 + index).toString(16) })

const few = fc.constantFrom('a', 'b')
const reason = fc.constantFrom<Revocation['reason'][]>('unspecified', 'keyCompromise', 'certificateHold', 'superseded')
const query: fc.Arbitrary<RevocationQuery> = fc.oneof(
  fc.record({ list: fc.constant('key' as const), publicKeyHash: few.map(sha256) }),
  fc.record({ list: fc.constant('owner' as const), owner: few }),
  fc.record({ list: fc.constant('attribute' as const), name: few, value: few }),
  fc.record({ list: fc.constant('created' as const), from: fc.nat(9).map(at), before: fc.nat(9).map(at) }),
)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('issue' as const),
      role: fc.constantFrom('device', 'device', 'server', 'issuingCa', 'ocspResponder'),
      device: fc.option(few, { nil: undefined }),
      owner: fc.option(few, { nil: undefined }),
      attributes: fc.option(fc.dictionary(few, few), { nil: undefined }),
      key: few,
      created: fc.nat(9),
      ends: fc.constantFrom(50, 5000),
      commit: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('revokeAll' as const),
      query,
      reason,
      limit: fc.integer({ min: 1, max: 4 }),
      follow: fc.constantFrom('no', 'same', 'same', 'other'),
    }),
  },
  fc.record({ do: fc.constant('revoke' as const), which: fc.nat(9), reason }),
  fc.record({ do: fc.constant('release' as const), which: fc.nat(9) }),
  fc.record({ do: fc.constant('blockKey' as const), key: few }),
  fc.record({ do: fc.constant('commit' as const), which: fc.nat(9) }),
  fc.record({ do: fc.constant('prune' as const) }),
  fc.record({ do: fc.constant('list' as const), query, limit: fc.integer({ min: 1, max: 4 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function reservationOf(index: number, each: Extract<Step, { do: 'issue' }>): Reservation {
  return {
    id: serialOf(index),
    role: each.role as Reservation['role'],
    profile: 'device',
    ...(each.device === undefined ? {} : { deviceId: `device-${each.device}` }),
    ...(each.owner === undefined ? {} : { owner: each.owner }),
    ...(each.attributes === undefined ? {} : { attributes: each.attributes }),
    publicKeyHash: sha256(each.key),
    notBefore: at(0),
    notAfter: at(each.ends),
    shard: 0,
    createdAt: at(each.created),
    tbsCertificate: sha256(`tbs ${index}`),
    holder: { instance: 'i', leaseUntil: at(1000) },
    expect: 'any',
  }
}

/** All that a store answers to those steps. */
async function answers(store: Store, steps: readonly Step[]): Promise<readonly unknown[]> {
  const said: unknown[] = []
  let count = 0
  let cursor: string | undefined
  let last: RevocationQuery | undefined
  const pick = (which: number): CertificateId => serialOf(count === 0 ? 0 : which % count)
  const run = async (each: Step): Promise<unknown> => {
    switch (each.do) {
      case 'issue': {
        const reservation = reservationOf(count, each)
        count += 1
        const reserved = await store.reserve(reservation, [])
        return [reserved, each.commit && (await store.commit(reservation.id, sha256(`der ${count}`), []))]
      }
      case 'revokeAll': {
        // A cursor of another query may be refused, or not: both stores do the same.
        const goesOn = each.follow !== 'no' && cursor !== undefined
        last = each.follow === 'same' && goesOn ? last : each.query
        const page = { limit: each.limit, ...(goesOn ? { after: cursor! } : {}) }
        const revocation = { revocationDate: at(100), reason: each.reason }
        const answer = await store.revokeAll(last!, revocation, { type: 'revoked', at: at(100) }, page)
        cursor = answer.next
        return answer
      }
      case 'revoke':
        return store.revoke(pick(each.which), { revocationDate: at(90), reason: each.reason }, [])
      case 'release':
        return store.release(pick(each.which), [])
      case 'blockKey':
        return store.blockKey(sha256(each.key), [{ type: 'keyBlocked', at: at(95) }])
      case 'commit':
        return store.commit(pick(each.which), sha256(`late ${each.which}`), [])
      case 'prune':
        return store.prune({ certificatesExpiredBefore: at(60) }, 100)
      case 'list':
        return store.certificates(each.query, { limit: each.limit })
    }
  }
  for (const each of steps) said.push(await run(each).catch(error => ({ code: error.code ?? error.name })))
  for (let index = 0; index < count; index += 1) said.push((await store.certificate(serialOf(index))) ?? null)
  said.push((await store.ledger({ after: '', limit: 1000 })).items)
  return said
}

it('ends, lists, blocks and prunes as the memory store does', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async steps => {
      const database = new DatabaseSync(':memory:')
      const sqlite = sqliteStore({ database: database as unknown as SqliteDatabase })
      const memory = memoryStore()
      await sqlite.open()
      const [expected, found] = [await answers(memory, steps), await answers(sqlite, steps)]
      for (const [index, answer] of expected.entries()) {
        const [a, b] = [answer, found[index]].map(value => JSON.stringify(value, hexOctets))
        if (a !== b) throw new Error(`step ${index} ${JSON.stringify(steps[index])}: memory ${a}, sqlite ${b}`)
      }
      await sqlite.close()
      database.close()
    }),
    { numRuns: Number(process.env['FLEETCERT_LONG'] === '1' ? 3000 : 150) },
  )
})

function hexOctets(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  // The order of members says nothing.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
  return value
}
