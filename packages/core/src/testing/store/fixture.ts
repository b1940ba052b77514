import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { CrlReason } from '@fleetcert/x509'
import type {
  CertificateId,
  CertificateRecord,
  CrlParts,
  CrlScope,
  EnrollmentToken,
  FleetEvent,
  FleetEventInput,
  FleetEventType,
  PinnedCertificate,
  Reservation,
  Revocation,
  RevokedEntry,
  Store,
} from '../../store/store.ts'

const epoch = Date.UTC(2026, 0, 1)
const day = 86_400

/** Seconds after the suite's own beginning of time. Stores take every time but that of leases from their caller. */
export function at(seconds: number): Date {
  return new Date(epoch + seconds * 1000)
}

export const days = (count: number): Date => at(count * day)

export function sha256(data: string | Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest())
}

/** `AA:BB:…` */
export function colonHex(octets: Uint8Array): string {
  return Array.from(octets, octet => octet.toString(16).padStart(2, '0').toUpperCase()).join(':')
}

export const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')

export const issuer: string = hex(sha256('issuer'))
export const otherIssuer: string = hex(sha256('another issuer'))

export interface Issued {
  readonly id: CertificateId
  readonly der: Uint8Array
  readonly fingerprint: Uint8Array
  readonly reservation: Reservation
}

/** Makes what goes into a store. To a store, certificates are only octets. */
export class Fixture {
  readonly store: Store
  #count = 0

  constructor(store: Store) {
    this.store = store
  }

  id(issuerKeyId: string = issuer): CertificateId {
    this.#count += 1
    return { issuerKeyId, serialNumber: `1f${this.#count.toString(16).padStart(30, '0')}` }
  }

  octets(length = 300): Uint8Array {
    this.#count += 1
    const seed = sha256(`octets ${this.#count}`)
    return Uint8Array.from({ length }, (_, index) => seed[index % 32]! ^ (index >> 5))
  }

  reservation(overrides: Partial<Reservation> = {}): Reservation {
    const id = overrides.id ?? this.id()
    return {
      id,
      role: 'device',
      profile: 'device',
      deviceId: 'device-1',
      publicKeyHash: sha256(`key of ${id.serialNumber}`),
      notBefore: at(-300),
      notAfter: days(365),
      shard: 0,
      createdAt: at(0),
      tbsCertificate: this.octets(),
      holder: { instance: 'instance-1', leaseUntil: at(15) },
      expect: 'any',
      ...overrides,
    }
  }

  pinned(overrides: Partial<PinnedCertificate> = {}): PinnedCertificate {
    const { tbsCertificate: der, holder: _, expect: __, ...subject } = this.reservation({ id: this.id(otherIssuer) })
    const octets = overrides.der ?? der
    return { ...subject, der: octets, fingerprint: sha256(octets), profile: 'pinned', ...overrides }
  }

  event(type: FleetEventType = 'issued', overrides: Partial<FleetEventInput> = {}): FleetEventInput {
    return { type, at: at(1), ...overrides }
  }

  revocation(reason: CrlReason = 'cessationOfOperation', overrides: Partial<Revocation> = {}): Revocation {
    return { revocationDate: at(60), reason, ...overrides }
  }

  token(deviceId = 'device-1', overrides: Partial<EnrollmentToken> = {}): EnrollmentToken {
    this.#count += 1
    return { hash: sha256(`token ${this.#count}`), deviceId, expiresAt: days(1), ...overrides }
  }

  crl(crlNumber: bigint, overrides: Partial<CrlParts> = {}): CrlParts {
    return { crlNumber, thisUpdate: at(0), nextUpdate: days(1), parts: [this.octets()], ...overrides }
  }

  async reserve(overrides: Partial<Reservation> = {}): Promise<Reservation> {
    const reservation = this.reservation(overrides)
    assert.equal(await this.store.reserve(reservation, []), 'reserved')
    return reservation
  }

  async issue(overrides: Partial<Reservation> = {}): Promise<Issued> {
    const reservation = await this.reserve(overrides)
    const der = this.octets()
    assert.equal(await this.store.commit(reservation.id, der, []), 'committed')
    return { id: reservation.id, der, fingerprint: sha256(der), reservation }
  }

  async revoke(id: CertificateId, reason?: CrlReason): Promise<void> {
    assert.equal((await this.store.revoke(id, this.revocation(reason), []))?.created, true)
  }

  async record(id: CertificateId): Promise<CertificateRecord> {
    const record = await this.store.certificate(id)
    assert(record, 'the certificate must be there')
    return record
  }

  /** The events that `change` appended, in their order. */
  async appended(change: () => Promise<unknown>): Promise<readonly FleetEvent[]> {
    const before = await readLedger(this.store)
    await change()
    const after = await readLedger(this.store)
    assert.deepEqual(after.slice(0, before.length), before, 'the ledger must only grow')
    return after.slice(before.length)
  }
}

/** The whole ledger, in small pages. */
export async function readLedger(store: Store, after = '', limit = 7): Promise<readonly FleetEvent[]> {
  const events: FleetEvent[] = []
  for (let cursor = after; ; ) {
    const page = await store.ledger({ after: cursor, limit })
    assert(page.items.length <= limit, 'a page must not be longer than its limit')
    if (page.items.length === 0) return events
    events.push(...page.items)
    cursor = page.next
  }
}

/** A whole listing, in pages of `limit`; `between` runs after each page but the last. */
export async function readPages<T>(
  read: (page: { readonly after?: string; readonly limit: number }) => Promise<{
    readonly items: readonly T[]
    readonly next?: string
  }>,
  limit: number,
  between?: (page: number) => Promise<unknown>,
): Promise<readonly T[]> {
  const items: T[] = []
  let after: string | undefined
  for (let page = 1; ; page++) {
    const answer = await read(after === undefined ? { limit } : { after, limit })
    assert(answer.items.length <= limit, 'a page must not be longer than its limit')
    items.push(...answer.items)
    if (answer.next === undefined) return items
    assert.notEqual(answer.next, after, 'a listing must come forward')
    after = answer.next
    await between?.(page)
  }
}

export async function readRevoked(
  store: Store,
  scope: CrlScope = { issuerKeyId: issuer, shard: 0 },
): Promise<readonly RevokedEntry[]> {
  return readPages(page => store.revoked(scope, page), 3)
}

/** Octets and dates of an event as they went in, without what the store added. */
export function inputOf({ sequence: _, cursor: __, ...event }: FleetEvent): FleetEventInput {
  return event
}
