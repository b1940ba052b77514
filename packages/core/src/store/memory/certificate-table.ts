import type { CertificateId, CrlScope, Holder } from '../store.ts'
import { type CertificateRow, scopeOf } from './certificate-row.ts'
import { bytesKey } from './copies.ts'
import { scopeKey } from './crl-table.ts'
import { SortedKeys } from './sorted-keys.ts'

export interface Device {
  /** Rises when the device is revoked as a whole: what was begun before is void. */
  epoch: number
  /** In the order of creation. */
  rows: CertificateRow[]
  /** The newest issued or pinned one. */
  newest?: CertificateRow
}

/** All certificates and reservations with their indices. Every look-up is O(1), or linear in one device's own history. */
export class CertificateTable {
  readonly #byId = new Map<string, CertificateRow>()
  readonly #byFingerprint = new Map<string, CertificateRow>()
  readonly #devices = new Map<string, Device>()
  readonly #deviceIds = new SortedKeys()
  /** Open reservations by order: a Map keeps the order of insertion. */
  readonly #reserved = new Map<number, CertificateRow>()
  /** The same, and abandoned ones, which stay in their place. */
  readonly #pending = new Map<number, CertificateRow>()
  readonly #byInstance = new Map<string, Set<CertificateRow>>()
  /** Per scope, by revocation order. Rows of released holds stay in their place. */
  readonly #revoked = new Map<string, CertificateRow[]>()
  readonly #blockedKeys = new Set<string>()
  #lastOrder = 0
  #lastRevocationOrder = 0

  nextOrder(): number {
    this.#lastOrder += 1
    return this.#lastOrder
  }

  get(id: CertificateId): CertificateRow | undefined {
    return this.#byId.get(idKey(id))
  }

  getByFingerprint(fingerprint: Uint8Array): CertificateRow | undefined {
    return this.#byFingerprint.get(bytesKey(fingerprint))
  }

  device(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId)
  }

  /** The device, which is made if there is none. */
  openDevice(deviceId: string): Device {
    let device = this.#devices.get(deviceId)
    if (device === undefined) {
      device = { epoch: 0, rows: [] }
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

  rows(): Iterable<CertificateRow> {
    return this.#byId.values()
  }

  reserved(): Iterable<CertificateRow> {
    return this.#reserved.values()
  }

  /** Reserved and abandoned, oldest first. */
  pending(): Iterable<CertificateRow> {
    return this.#pending.values()
  }

  insert(row: CertificateRow): void {
    this.#byId.set(idKey(row.subject.id), row)
    if (row.subject.deviceId !== undefined) this.openDevice(row.subject.deviceId).rows.push(row)
    if (row.state === 'reserved') {
      this.#reserved.set(row.order, row)
      this.#pending.set(row.order, row)
      if (row.holder !== undefined) this.#holders(row.holder.instance).add(row)
    }
    this.#indexCertificate(row)
  }

  /** A reservation becomes a certificate. */
  commit(row: CertificateRow, der: Uint8Array, fingerprint: Uint8Array): void {
    this.#closeReservation(row)
    this.#pending.delete(row.order)
    row.state = 'issued'
    row.der = der
    row.fingerprint = fingerprint
    delete row.tbsCertificate
    this.#indexCertificate(row)
  }

  /** A reservation is taken from its holder. */
  abandon(row: CertificateRow): void {
    this.#closeReservation(row)
    row.state = 'abandoned'
  }

  extendHolder(instance: string, leaseUntil: Date): void {
    for (const row of this.#byInstance.get(instance) ?? []) {
      row.holder = { instance, leaseUntil } satisfies Holder
    }
  }

  /** Files a revocation that the row has just been given. */
  indexRevocation(row: CertificateRow): void {
    if (row.revocation?.reason === 'keyCompromise') this.#blockedKeys.add(bytesKey(row.subject.publicKeyHash))
    if (row.revocationOrder !== undefined) return
    this.#lastRevocationOrder += 1
    row.revocationOrder = this.#lastRevocationOrder
    const key = scopeKey(scopeOf(row))
    const rows = this.#revoked.get(key)
    if (rows === undefined) this.#revoked.set(key, [row])
    else rows.push(row)
  }

  revoked(scope: CrlScope): readonly CertificateRow[] {
    return this.#revoked.get(scopeKey(scope)) ?? []
  }

  isKeyBlocked(publicKeyHash: Uint8Array): boolean {
    return this.#blockedKeys.has(bytesKey(publicKeyHash))
  }

  /** Forgets rows. What a revocation for keyCompromise blocked stays blocked, and a device's epoch stays. */
  delete(rows: ReadonlySet<CertificateRow>): void {
    const scopes = new Set<string>()
    const devices = new Set<Device>()
    for (const row of rows) {
      this.#byId.delete(idKey(row.subject.id))
      if (row.fingerprint !== undefined) this.#byFingerprint.delete(bytesKey(row.fingerprint))
      this.#closeReservation(row)
      this.#pending.delete(row.order)
      if (row.revocationOrder !== undefined) scopes.add(scopeKey(scopeOf(row)))
      if (row.subject.deviceId !== undefined) devices.add(this.openDevice(row.subject.deviceId))
    }
    for (const key of scopes)
      this.#revoked.set(
        key,
        this.#revoked.get(key)!.filter(row => !rows.has(row)),
      )
    for (const device of devices) {
      device.rows = device.rows.filter(row => !rows.has(row))
      const newest = device.rows.findLast(row => row.state === 'issued' || row.state === 'pinned')
      if (newest === undefined) delete device.newest
      else device.newest = newest
    }
  }

  #indexCertificate(row: CertificateRow): void {
    if (row.fingerprint === undefined) return
    this.#byFingerprint.set(bytesKey(row.fingerprint), row)
    if (row.subject.deviceId === undefined) return
    const device = this.openDevice(row.subject.deviceId)
    if (device.newest === undefined || device.newest.order < row.order) device.newest = row
  }

  #closeReservation(row: CertificateRow): void {
    this.#reserved.delete(row.order)
    if (row.holder === undefined) return
    const instance = row.holder.instance
    const rows = this.#byInstance.get(instance)
    rows?.delete(row)
    if (rows?.size === 0) this.#byInstance.delete(instance)
    delete row.holder
  }

  #holders(instance: string): Set<CertificateRow> {
    let rows = this.#byInstance.get(instance)
    if (rows === undefined) {
      rows = new Set()
      this.#byInstance.set(instance, rows)
    }
    return rows
  }
}

function idKey(id: CertificateId): string {
  return `${id.issuerKeyId}.${id.serialNumber}`
}
