import { createHash } from 'node:crypto'
import type {
  CertificateId,
  CertificateQuery,
  PinnedCertificate,
  Reservation,
  Revocation,
  Store,
} from '@fleetcert/core'
import fc from 'fast-check'

// The memory store is a model of all others: whatever is done to both, both answer the same, events included.

const start = Date.UTC(2026, 0, 1)
/** Seconds after the beginning of time. */
export const at = (seconds: number): Date => new Date(start + seconds * 1000)
const fingerprintOf = (der: string | Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(der).digest())
const sha256 = (text: string): Uint8Array => fingerprintOf(text)
const issuerKeyId = 'ab'.repeat(32)
const serialOf = (index: number): CertificateId => ({ issuerKeyId, serialNumber: (0x1000 + index).toString(16) })
const scope = { issuerKeyId, shard: 0 }

const few = fc.constantFrom('a', 'b', 'c')
const which = fc.nat(11)
const limit = fc.integer({ min: 1, max: 4 })
const device = few.map(name => `device-${name}`)
const reason = fc.constantFrom<Revocation['reason'][]>('unspecified', 'keyCompromise', 'certificateHold', 'superseded')
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const listed: fc.Arbitrary<CertificateQuery> = fc.oneof(
  fc.record({ list: fc.constant('key' as const), publicKeyHash: few.map(sha256) }),
  fc.record({ list: fc.constant('owner' as const), owner: few }),
  fc.record({ list: fc.constant('attribute' as const), name: few, value: few }),
  fc.record({ list: fc.constant('created' as const), from: fc.nat(9).map(at), before: fc.nat(9).map(at) }),
  fc.record({ list: fc.constant('device' as const), deviceId: device }),
  fc.record({ list: fc.constant('reserved' as const) }),
  fc.record({ list: fc.constant('pending' as const) }),
  fc
    .record({
      owner: maybe(few),
      role: maybe(fc.constantFrom('device' as const, 'service' as const)),
      expiringBefore: maybe(fc.constantFrom(at(60), at(6000))),
    })
    .map(filters => ({
      list: 'devices' as const,
      ...(Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as object),
    })),
)

const steps = {
  reserve: fc.record({
    role: fc.constantFrom<Reservation['role'][]>('device', 'device', 'service', 'server', 'issuingCa'),
    device: maybe(device),
    owner: maybe(few),
    attributes: maybe(fc.dictionary(few, few)),
    key: few,
    created: fc.nat(30),
    ends: fc.constantFrom(15, 50, 5000),
    expect: fc.constantFrom('any', 'any', 'newDevice', 'renewal'),
    renews: which,
    supersedeAt: fc.constantFrom(10, 40, 400),
    token: maybe(few),
    lease: fc.constantFrom('i', 'j'),
    commit: fc.boolean(),
    shard: fc.constantFrom(0, 0, 1),
  }),
  commit: fc.record({ which }),
  register: fc.record({ which, device: maybe(device), owner: maybe(few), key: few, ends: fc.constantFrom(50, 5000) }),
  abandon: fc.record({ before: fc.constantFrom(10, 25, 60) }),
  abandonOne: fc.record({ which }),
  extend: fc.record({ lease: fc.constantFrom('i', 'j') }),
  revoke: fc.record({ which, reason, date: fc.nat(99), invalidity: maybe(fc.nat(9)) }),
  revokeDevice: fc.record({ device, reason }),
  revokeAll: fc.record({ query: listed, reason, limit, follow: fc.boolean() }),
  release: fc.record({ which }),
  blockKey: fc.record({ key: few }),
  supersede: fc.record({ which, at: fc.constantFrom(5, 20) }),
  token: fc.record({ name: few, device, expires: fc.constantFrom(5, 500), owner: maybe(few) }),
  putCrl: fc.record({ thisUpdate: fc.constantFrom(5, 100, 6000) }),
  prune: fc.record({ marks: fc.constantFrom(20, 60, 9999), ledger: fc.boolean() }),
  list: fc.record({ query: listed, limit }),
  revoked: fc.record({ limit }),
  entries: fc.record({ limit, since: fc.boolean(), ended: fc.boolean() }),
}
type Steps = { [Name in keyof typeof steps]: (typeof steps)[Name] extends fc.Arbitrary<infer T> ? T : never }
/** One thing done to a store; what it is, is this module's. */
export interface Step {
  readonly do: string
}
type KnownStep = { [Name in keyof Steps]: { readonly do: Name } & Steps[Name] }[keyof Steps]
const weights: Partial<Record<keyof Steps, number>> = { reserve: 12, revokeAll: 3, list: 4, revoke: 3, supersede: 2 }
/** Steps at random. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  ...Object.entries(steps).map(([name, arbitrary]) => ({
    weight: weights[name as keyof Steps] ?? 1,
    arbitrary: (arbitrary as fc.Arbitrary<object>).map(fields => ({ do: name, ...fields }) as KnownStep),
  })),
)

/** All that a store answers to those steps. */
export async function answers(store: Store, taken: readonly Step[]): Promise<readonly unknown[]> {
  const said: unknown[] = []
  let count = 0
  let cursor: string | undefined
  let crlNumber = 0n
  let position = ''
  const pick = (index: number): CertificateId => serialOf(count === 0 ? 0 : index % count)
  const derOf = (index: number): Uint8Array => sha256(`der ${index}`)
  const indexOf = (id: CertificateId): number => Number.parseInt(id.serialNumber, 16) - 0x1000
  const event = (type: 'issued' | 'revoked' | 'superseded', id?: CertificateId) => ({
    type,
    at: at(70),
    details: { a: 'ü', n: 1 },
    ...(id && { certificate: id }),
  })

  const run = async (each: KnownStep): Promise<unknown> => {
    switch (each.do) {
      case 'reserve': {
        const index = count
        count += 1
        const id = serialOf(index)
        const reservation: Reservation = {
          id,
          role: each.role,
          profile: 'device',
          ...(each.device !== undefined && { deviceId: each.device }),
          ...(each.owner !== undefined && { owner: each.owner }),
          ...(each.attributes !== undefined && { attributes: each.attributes }),
          publicKeyHash: sha256(each.key),
          notBefore: at(0),
          notAfter: at(each.ends),
          shard: each.shard,
          createdAt: at(each.created),
          tbsCertificate: sha256(`tbs ${index}`),
          holder: { instance: each.lease, leaseUntil: at(20) },
          expect:
            each.expect === 'renewal'
              ? { supersedes: fingerprintOf(derOf(each.renews)), at: at(each.supersedeAt) }
              : each.expect === 'newDevice' && each.device !== undefined
                ? 'newDevice'
                : 'any',
          ...(each.token !== undefined && { tokenHash: sha256(`token ${each.token}`) }),
        }
        const reserved = await store.reserve(reservation, [event('issued', id)])
        return [reserved, each.commit && (await store.commit(id, derOf(index), [event('issued', id)]))]
      }
      case 'commit': {
        const id = pick(each.which)
        return store.commit(id, derOf(indexOf(id)), [event('issued', id)])
      }
      case 'register': {
        const der = derOf(1000 + each.which)
        const record: PinnedCertificate = {
          id: { issuerKeyId: 'cd'.repeat(32), serialNumber: serialOf(each.which % 5).serialNumber },
          role: 'device',
          profile: 'pinned',
          ...(each.device !== undefined && { deviceId: each.device }),
          ...(each.owner !== undefined && { owner: each.owner }),
          publicKeyHash: sha256(each.key),
          notBefore: at(0),
          notAfter: at(each.ends),
          shard: 0,
          createdAt: at(3),
          der,
          fingerprint: fingerprintOf(der),
        }
        return store.register(record, [event('issued')])
      }
      case 'abandon':
        return store.abandon(at(each.before))
      case 'abandonOne':
        return store.abandon({ ...pick(each.which), at: at(33) })
      case 'extend':
        return store.extendHolder(each.lease, at(50))
      case 'revoke':
        return store.revoke(
          pick(each.which),
          {
            revocationDate: at(each.date),
            reason: each.reason,
            ...(each.invalidity !== undefined && { invalidityDate: at(each.invalidity) }),
          },
          [event('revoked')],
        )
      case 'revokeDevice':
        return store.revokeDevice(each.device, { revocationDate: at(80), reason: each.reason }, event('revoked'))
      case 'revokeAll': {
        const { list } = each.query
        if (list === 'device' || list === 'devices' || list === 'reserved' || list === 'pending') return undefined
        const page = { limit: each.limit, ...(each.follow && cursor !== undefined && { after: cursor }) }
        const revocation = { revocationDate: at(100), reason: each.reason }
        const answer = await store.revokeAll(each.query, revocation, event('revoked'), page)
        cursor = answer.next
        return answer
      }
      case 'release':
        return store.release(pick(each.which), [event('revoked')])
      case 'blockKey':
        return store.blockKey(sha256(each.key), [event('revoked')])
      case 'supersede':
        return store.supersede(pick(each.which), at(each.at), event('superseded'))
      case 'token': {
        const hash = sha256(`token ${each.name}`)
        const grant = each.owner === undefined ? {} : { owner: each.owner, attributes: { 'a"': '\u0000ü' } }
        await store.addToken({ hash, deviceId: each.device, expiresAt: at(each.expires), ...grant }, [event('issued')])
        return knownToken(store, each.name)
      }
      case 'putCrl': {
        crlNumber += 1n
        const crl = { crlNumber, thisUpdate: at(each.thisUpdate), nextUpdate: at(9000), parts: [sha256('crl')] }
        return [await store.putCrl(scope, crl, undefined, []), await store.crl(scope), await store.crlState(scope)]
      }
      case 'prune':
        return store.prune(
          { certificatesExpiredBefore: at(each.marks), ...(each.ledger && { ledgerBefore: at(71) }) },
          1000,
        )
      case 'list':
        return pages(page => store.certificates(each.query, page), each.limit)
      case 'revoked':
        return pages(page => store.revoked(scope, page), each.limit)
      case 'entries': {
        const query = {
          ...(each.since && { changedSince: position }),
          ...(each.ended && { without: { endedBefore: at(60), unchangedSince: position } }),
        }
        const entries: Uint8Array[] = []
        const changes: Uint8Array[] = []
        let after: string | undefined
        do {
          const page = await store.crlEntries(scope, query, { limit: each.limit, ...(after && { after }) })
          entries.push(page.entries)
          changes.push(page.changes)
          position = page.position
          after = page.next
        } while (after !== undefined)
        return [Buffer.concat(entries), Buffer.concat(changes), position]
      }
    }
  }
  for (const each of taken) said.push(await run(each as KnownStep).catch(error => ({ code: error.code ?? error.name })))
  for (let index = 0; index < count; index += 1) {
    said.push((await store.certificate(serialOf(index))) ?? null)
    said.push((await store.certificate({ fingerprint: fingerprintOf(derOf(index)) }))?.id ?? null)
    said.push((await store.certificateStatus(serialOf(index))) ?? null)
  }
  said.push((await store.ledger({ after: '', limit: 1000 })).items, await store.newestEventAt())
  for (const name of ['a', 'b', 'c']) said.push(await knownToken(store, name))
  return said
}

/** Without what spent it where that was pruned. */
async function knownToken(store: Store, name: string): Promise<unknown> {
  const token = await store.token(sha256(`token ${name}`))
  if (token?.spentBy === undefined || (await store.certificate(token.spentBy)) !== undefined) return token ?? null
  const { spentBy: _, ...rest } = token
  return rest
}

/** Everything expires, and CRLs say so. */
export async function leaveAll(store: Store): Promise<void> {
  for (const shard of [0, 1]) {
    const crl = { crlNumber: 1000n, thisUpdate: at(9000), nextUpdate: at(9999), parts: [sha256('crl')] }
    await store.putCrl({ issuerKeyId, shard }, crl, undefined, [])
  }
  await store.prune({ certificatesExpiredBefore: at(8000) }, 1000)
}

async function pages<T>(
  read: (page: { after?: string; limit: number }) => Promise<{ items: readonly T[]; next?: string }>,
  limit: number,
): Promise<readonly (readonly T[])[]> {
  const found: (readonly T[])[] = []
  let after: string | undefined
  do {
    const page = await read({ limit, ...(after !== undefined && { after }) })
    found.push(page.items)
    after = page.next
  } while (after !== undefined)
  return found
}

/** Throws where one of the answers is not what the model's is. */
export function assertAgreement(
  name: string,
  taken: readonly Step[],
  expected: readonly unknown[],
  found: readonly unknown[],
): void {
  for (const [index, answer] of expected.entries()) {
    const [a, b] = [answer, found[index]].map(value => JSON.stringify(value, inOneWay))
    if (a !== b) throw new Error(`step ${index} ${JSON.stringify(taken[index])}: memory ${a}, ${name} ${b}`)
  }
}

function inOneWay(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (typeof value === 'bigint') return String(value)
  // The order of members says nothing.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
  return value
}
