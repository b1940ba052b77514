import type { CertificateId, CrlScope } from '../store.ts'
import { type CertificateRow, scopeOf } from './certificate-row.ts'
import { scopeKey } from './crl-table.ts'
import type { Octets } from './octets.ts'
import { QueryIndexes } from './query-indexes.ts'
import { SortedKeys } from './sorted-keys.ts'

export interface Device {
  /** Rises when the device is revoked as a whole: what was begun before is void. */
  epoch: number
  /** In the order of creation. */
  rows: CertificateRow[]
  /** The newest issued or pinned one. */
  newest: CertificateRow | undefined
}

/** A CRL scope of which something was ever revoked. */
export interface ScopeCounters {
  readonly scope: CrlScope
  lastPlace: number
  lastChange: number
  /** By revocation order. Rows of released holds stay in their place. */
  rows: CertificateRow[]
}

/** All certificates and reservations with their indices. Every look-up is O(1), or linear in one device's own history. */
export class CertificateTable {
  /** By issuer, then by serial number: keys that the rows hold anyway. */
  readonly #byId = new Map<string, Map<string, CertificateRow>>()
  readonly #byFingerprint = new Map<Octets, CertificateRow>()
  readonly #devices = new Map<string, Device>()
  readonly #deviceIds = new SortedKeys()
  /** Open reservations, and abandoned ones, which stay in their place: a Set keeps the order of insertion. */
  readonly #pending = new Set<CertificateRow>()
  readonly #scopes = new Map<string, ScopeCounters>()
  /** All rows in the order of creation. */
  #rows: CertificateRow[] = []
  readonly #blockedKeys = new Set<Octets>()
  readonly queries: QueryIndexes = new QueryIndexes()
  #lastOrder = 0

  nextOrder(): number {
    this.#lastOrder += 1
    return this.#lastOrder
  }

  /** Of the row that was made last; 0 if there was none. */
  get lastOrder(): number {
    return this.#lastOrder
  }

  get(id: CertificateId): CertificateRow | undefined {
    return this.#byId.get(id.issuerKeyId)?.get(id.serialNumber)
  }

  getByFingerprint(fingerprint: Octets): CertificateRow | undefined {
    return this.#byFingerprint.get(fingerprint)
  }

  device(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId)
  }

  /** The device, which is made if there is none. */
  openDevice(deviceId: string): Device {
    let device = this.#devices.get(deviceId)
    if (device === undefined) {
      device = { epoch: 0, rows: [], newest: undefined }
      this.#devices.set(deviceId, device)
      this.#deviceIds.add(deviceId)
    }
    return device
  }

  epochOf(deviceId: string | undefined): number {
    return (deviceId !== undefined && this.#devices.get(deviceId)?.epoch) || 0
  }

  /** The devices behind `deviceId`, by device id. */
  *devicesAfter(deviceId: string): Generator<readonly [string, Device]> {
    for (const id of this.#deviceIds.after(deviceId)) {
      const device = this.#devices.get(id)
      if (device !== undefined) yield [id, device]
    }
  }

  /** In the order of creation. */
  rows(): readonly CertificateRow[] {
    return this.#rows
  }

  devices(): Iterable<readonly [string, Device]> {
    return this.#devices
  }

  get blockedKeyCount(): number {
    return this.#blockedKeys.size
  }

  blockedKeys(): Iterable<Octets> {
    return this.#blockedKeys
  }

  /** Scopes of which anything was ever revoked, by their keys. */
  scopes(): ReadonlyMap<string, Readonly<ScopeCounters>> {
    return this.#scopes
  }

  *reserved(): Generator<CertificateRow> {
    for (const row of this.#pending) if (row.state === 'reserved') yield row
  }

  /** Reserved and abandoned, oldest first. */
  pending(): Iterable<CertificateRow> {
    return this.#pending
  }

  insert(row: CertificateRow): void {
    const { id, deviceId } = row.subject
    const ofIssuer = this.#byId.get(id.issuerKeyId)
    if (ofIssuer === undefined) this.#byId.set(id.issuerKeyId, new Map([[id.serialNumber, row]]))
    else ofIssuer.set(id.serialNumber, row)
    this.#rows.push(row)
    this.queries.add(row)
    if (deviceId !== undefined) this.openDevice(deviceId).rows.push(row)
    if (row.fingerprint === undefined) this.#pending.add(row)
    this.#indexCertificate(row)
  }

  /** A reservation becomes a certificate. */
  commit(row: CertificateRow, der: Octets, fingerprint: Octets): void {
    this.#pending.delete(row)
    row.holder = undefined
    row.state = 'issued'
    row.der = der
    row.fingerprint = fingerprint
    row.tbsCertificate = undefined
    this.#indexCertificate(row)
  }

  /** A reservation is taken from its holder. */
  abandon(row: CertificateRow): void {
    row.holder = undefined
    row.state = 'abandoned'
  }

  extendHolder(instance: string, leaseUntil: Date): void {
    const holder = { instance, leaseUntil }
    for (const row of this.#pending) if (row.holder?.instance === instance) row.holder = holder
  }

  /** Files a revocation that the row has just been given. */
  indexRevocation(row: CertificateRow): void {
    this.noteChange(row)
    if (row.revocation?.reason === 'keyCompromise') this.blockKey(row.subject.publicKeyHash)
    if (row.revocationOrder !== undefined) return
    const scope = this.#openScope(scopeOf(row))
    scope.lastPlace += 1
    row.revocationOrder = scope.lastPlace
    scope.rows.push(row)
  }

  /** Puts a row behind all other changes of its scope. */
  noteChange(row: CertificateRow): void {
    const scope = this.#openScope(scopeOf(row))
    scope.lastChange += 1
    row.lastChange = scope.lastChange
  }

  /** Files an imported row that was ever revoked. Those of a scope come in the order of their places. */
  restoreRevocation(row: CertificateRow): void {
    this.#openScope(scopeOf(row)).rows.push(row)
  }

  restoreScope(scope: CrlScope, { lastPlace, lastChange }: Pick<ScopeCounters, 'lastPlace' | 'lastChange'>): void {
    Object.assign(this.#openScope(scope), { lastPlace, lastChange })
  }

  restoreLastOrder(order: number): void {
    this.#lastOrder = order
  }

  /** How many changes of the scope there were: revocations, releases and changes of reason. */
  lastChange(scope: CrlScope): number {
    return this.#scopes.get(scopeKey(scope))?.lastChange ?? 0
  }

  revoked(scope: CrlScope): readonly CertificateRow[] {
    return this.#scopes.get(scopeKey(scope))?.rows ?? []
  }

  /** Whether it was not blocked before. */
  blockKey(publicKeyHash: Octets): boolean {
    const count = this.#blockedKeys.size
    return this.#blockedKeys.add(publicKeyHash).size > count
  }

  isKeyBlocked(publicKeyHash: Octets): boolean {
    return this.#blockedKeys.has(publicKeyHash)
  }

  /** Forgets rows. What a revocation for keyCompromise blocked stays blocked, and a device's epoch stays. */
  delete(rows: ReadonlySet<CertificateRow>): void {
    this.queries.delete(rows)
    this.#rows = this.#rows.filter(row => !rows.has(row))
    const scopes = new Set<ScopeCounters>()
    const devices = new Set<Device>()
    for (const row of rows) {
      this.#byId.get(row.subject.id.issuerKeyId)?.delete(row.subject.id.serialNumber)
      if (row.fingerprint !== undefined) this.#byFingerprint.delete(row.fingerprint)
      this.#pending.delete(row)
      if (row.revocationOrder !== undefined) scopes.add(this.#openScope(scopeOf(row)))
      if (row.subject.deviceId !== undefined) devices.add(this.openDevice(row.subject.deviceId))
    }
    for (const scope of scopes) scope.rows = scope.rows.filter(row => !rows.has(row))
    for (const device of devices) {
      device.rows = device.rows.filter(row => !rows.has(row))
      device.newest = device.rows.findLast(row => row.state === 'issued' || row.state === 'pinned')
    }
  }

  #openScope(scope: CrlScope): ScopeCounters {
    const key = scopeKey(scope)
    let counters = this.#scopes.get(key)
    if (counters === undefined) {
      counters = {
        scope: { issuerKeyId: scope.issuerKeyId, shard: scope.shard },
        lastPlace: 0,
        lastChange: 0,
        rows: [],
      }
      this.#scopes.set(key, counters)
    }
    return counters
  }

  #indexCertificate(row: CertificateRow): void {
    if (row.fingerprint === undefined) return
    this.#byFingerprint.set(row.fingerprint, row)
    if (row.subject.deviceId === undefined) return
    const device = this.openDevice(row.subject.deviceId)
    if (device.newest === undefined || device.newest.order < row.order) device.newest = row
  }
}
