import type { CrlReason } from '@fleetcert/x509'
import { badRecord, RecordReader, RecordWriter } from './record-octets.ts'
import type { CertificateRole, CertificateState, CrlName, FleetEventInput, FleetEventType } from './store.ts'
import type {
  CertificateEntry,
  CrlEntry,
  CrlPartEntry,
  LedgerEntry,
  StoreRecord,
  StoreRecordKind,
  TokenEntry,
} from './store-records.ts'

// Encodings are kept in files: an index into one of these lists is never used for another word, and new words come last.
const kinds: readonly StoreRecordKind[] = [
  'head',
  'certificate',
  'event',
  'device',
  'blockedKey',
  'token',
  'document',
  'crlScope',
  'crl',
  'crlPart',
  'lease',
  'consumer',
]
const states: readonly CertificateState[] = ['reserved', 'abandoned', 'issued', 'pinned']
const roles: readonly CertificateRole[] = [
  'device',
  'service',
  'server',
  'issuingCa',
  'root',
  'ocspResponder',
  'custom',
]
const reasons: readonly CrlReason[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
]

/** The largest record that is read or written, in octets. */
export const maxStoreRecordBytes: number = 16 * 1024 * 1024

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/**
 * A record as octets, for files and comparisons: every record has one encoding, so two stores hold the same when these are the same. Octets are in it as they are.
 *
 * @throws PkiError `ERR_PKI_STORE_RECORD`: something in it is of another type, out of bounds or unknown.
 */
export function encodeStoreRecord(record: StoreRecord): Uint8Array {
  if (!kinds.includes(record?.kind)) throw badRecord('unknown', 'its kind is unknown')
  const to = new RecordWriter(record.kind)
  to.word(record.kind, kinds, 'kind')
  writeContent(to, record)
  const octets = to.finish()
  if (octets.length > maxStoreRecordBytes) throw badRecord(record.kind, 'it is too large')
  return octets
}

/**
 * Reads what {@link encodeStoreRecord} has written. Whatever is not exactly that is refused: foreign octets do no harm but an error.
 *
 * @throws PkiError `ERR_PKI_STORE_RECORD`
 */
export function decodeStoreRecord(octets: Uint8Array): StoreRecord {
  if (octets.length > maxStoreRecordBytes) throw badRecord('unknown', 'it is too large')
  const from = new RecordReader(octets)
  const kind = from.word(kinds)
  const record = readContent(from, kind)
  from.end()
  return record
}

function writeContent(to: RecordWriter, record: StoreRecord): void {
  switch (record.kind) {
    case 'head':
      to.flags(record.newestEventAt !== undefined)
      to.count(record.lastOrdinal, 'lastOrdinal')
      to.count(record.lastSequence, 'lastSequence')
      if (record.newestEventAt !== undefined) to.date(record.newestEventAt, 'newestEventAt')
      return
    case 'certificate':
      writeCertificate(to, record)
      return
    case 'event':
      writeEvent(to, record)
      return
    case 'device':
      to.text(record.deviceId, 'deviceId')
      to.count(record.epoch, 'epoch')
      return
    case 'blockedKey':
      to.hash(record.publicKeyHash, 'publicKeyHash')
      return
    case 'token':
      writeToken(to, record)
      return
    case 'document':
      to.text(record.name, 'name')
      to.count(record.version, 'version')
      to.octets(record.value, 'value')
      return
    case 'crlScope':
      to.hex(record.issuerKeyId, 'issuerKeyId')
      to.count(record.shard, 'shard')
      to.big(record.lastNumber, 'lastNumber')
      to.count(record.lastChange, 'lastChange')
      to.count(record.lastPlace, 'lastPlace')
      return
    case 'crl':
      to.flags(record.delta, record.note !== undefined)
      writeCrlName(to, record)
      to.count(record.parts, 'parts')
      to.hash(record.digest, 'digest')
      to.date(record.thisUpdate, 'thisUpdate')
      to.date(record.nextUpdate, 'nextUpdate')
      if (record.note !== undefined) to.text(record.note, 'note')
      return
    case 'crlPart':
      to.flags(record.delta)
      writeCrlName(to, record)
      to.count(record.part, 'part')
      if (record.octets?.length > 1024 * 1024) throw badRecord(record.kind, 'octets is more than 1 MiB')
      to.octets(record.octets, 'octets')
      return
    case 'lease':
      to.text(record.name, 'name')
      to.count(record.fence, 'fence')
      return
    case 'consumer':
      to.text(record.consumer, 'consumer')
      to.count(record.sequence, 'sequence')
      return
  }
}

function readContent(from: RecordReader, kind: StoreRecordKind): StoreRecord {
  switch (kind) {
    case 'head': {
      const [hasNewest] = from.flags(1)
      const lastOrdinal = from.count()
      const lastSequence = from.count()
      return { kind, lastOrdinal, lastSequence, ...(hasNewest && { newestEventAt: from.date() }) }
    }
    case 'certificate':
      return readCertificate(from)
    case 'event':
      return readEvent(from)
    case 'device':
      return { kind, deviceId: from.text(), epoch: from.count() }
    case 'blockedKey':
      return { kind, publicKeyHash: from.hash() }
    case 'token':
      return readToken(from)
    case 'document':
      return { kind, name: from.text(), version: from.count(), value: from.octets() }
    case 'crlScope':
      return {
        kind,
        issuerKeyId: from.hex(),
        shard: from.count(),
        lastNumber: from.big(),
        lastChange: from.count(),
        lastPlace: from.count(),
      }
    case 'crl': {
      const [delta = false, hasNote] = from.flags(2)
      return {
        kind,
        ...readCrlName(from, delta),
        parts: from.count(),
        digest: from.hash(),
        thisUpdate: from.date(),
        nextUpdate: from.date(),
        ...(hasNote && { note: from.text() }),
      }
    }
    case 'crlPart': {
      const [delta = false] = from.flags(1)
      const record: CrlPartEntry = { kind, ...readCrlName(from, delta), part: from.count(), octets: from.octets() }
      if (record.octets.length > 1024 * 1024) throw badRecord(kind, 'octets is more than 1 MiB')
      return record
    }
    case 'lease':
      return { kind, name: from.text(), fence: from.count() }
    case 'consumer':
      return { kind, consumer: from.text(), sequence: from.count() }
  }
}

function writeCrlName(to: RecordWriter, { issuerKeyId, shard, crlNumber }: CrlEntry | CrlPartEntry): void {
  to.hex(issuerKeyId, 'issuerKeyId')
  to.count(shard, 'shard')
  to.big(crlNumber, 'crlNumber')
}

function readCrlName(from: RecordReader, delta: boolean): Required<CrlName> & { readonly crlNumber: bigint } {
  return { delta, issuerKeyId: from.hex(), shard: from.count(), crlNumber: from.big() }
}

function writeCertificate(to: RecordWriter, entry: CertificateEntry): void {
  const { record, supersedes, supersededBy, revocation: place } = entry
  const { deviceId, owner, attributes, der, tbsCertificate, fingerprint, revocation, supersededAt, holder } = record
  to.flags(
    deviceId !== undefined,
    owner !== undefined,
    attributes !== undefined,
    der !== undefined,
    tbsCertificate !== undefined,
    fingerprint !== undefined,
    revocation !== undefined,
  )
  to.flags(
    revocation?.invalidityDate !== undefined,
    supersededAt !== undefined,
    holder !== undefined,
    supersedes !== undefined,
    supersededBy !== undefined,
    place !== undefined,
    place?.heldAt !== undefined,
  )
  to.count(entry.ordinal, 'ordinal')
  to.count(entry.epoch, 'epoch')
  to.word(record.state, states, 'state')
  to.word(record.role, roles, 'role')
  to.hex(record.id.issuerKeyId, 'issuerKeyId')
  to.hex(record.id.serialNumber, 'serialNumber')
  to.text(record.profile, 'profile')
  to.hash(record.publicKeyHash, 'publicKeyHash')
  to.date(record.notBefore, 'notBefore')
  to.date(record.notAfter, 'notAfter')
  to.count(record.shard, 'shard')
  to.date(record.createdAt, 'createdAt')
  if (deviceId !== undefined) to.text(deviceId, 'deviceId')
  if (owner !== undefined) to.text(owner, 'owner')
  if (attributes !== undefined) writeAttributes(to, attributes)
  if (der !== undefined) to.octets(der, 'der')
  if (tbsCertificate !== undefined) to.octets(tbsCertificate, 'tbsCertificate')
  if (fingerprint !== undefined) to.hash(fingerprint, 'fingerprint')
  if (revocation !== undefined) {
    to.word(revocation.reason, reasons, 'reason')
    to.date(revocation.revocationDate, 'revocationDate')
    if (revocation.invalidityDate !== undefined) to.date(revocation.invalidityDate, 'invalidityDate')
  }
  if (supersededAt !== undefined) to.date(supersededAt, 'supersededAt')
  if (holder !== undefined) {
    to.text(holder.instance, 'instance')
    to.date(holder.leaseUntil, 'leaseUntil')
  }
  if (supersedes !== undefined) {
    to.count(supersedes.ordinal, 'supersedes')
    to.date(supersedes.at, 'supersedes')
  }
  if (supersededBy !== undefined) to.count(supersededBy, 'supersededBy')
  if (place !== undefined) {
    to.count(place.place, 'place')
    to.count(place.change, 'change')
    if (place.heldAt !== undefined) to.date(place.heldAt, 'heldAt')
  }
  const reason = contradiction(entry)
  if (reason !== undefined) throw badRecord('certificate', reason)
}

function readCertificate(from: RecordReader): CertificateEntry {
  const [hasDevice, hasOwner, hasAttributes, hasDer, hasTbs, hasFingerprint, isRevoked] = from.flags(7)
  const [hasInvalidity, isSuperseded, hasHolder, renews, hasSuccessor, hasPlace, wasHeld] = from.flags(7)
  const ordinal = from.count()
  const epoch = from.count()
  const state = from.word(states)
  const role = from.word(roles)
  const record: Mutable<CertificateEntry['record']> = {
    id: { issuerKeyId: from.hex(), serialNumber: from.hex() },
    role,
    profile: from.text(),
    publicKeyHash: from.hash(),
    notBefore: from.date(),
    notAfter: from.date(),
    shard: from.count(),
    createdAt: from.date(),
    state,
  }
  if (hasDevice) record.deviceId = from.text()
  if (hasOwner) record.owner = from.text()
  if (hasAttributes) record.attributes = readAttributes(from)
  if (hasDer) record.der = from.octets()
  if (hasTbs) record.tbsCertificate = from.octets()
  if (hasFingerprint) record.fingerprint = from.hash()
  if (isRevoked) {
    const reason = from.word(reasons)
    const revocationDate = from.date()
    record.revocation = { revocationDate, reason, ...(hasInvalidity && { invalidityDate: from.date() }) }
  }
  if (isSuperseded) record.supersededAt = from.date()
  if (hasHolder) record.holder = { instance: from.text(), leaseUntil: from.date() }
  const entry: Mutable<CertificateEntry> = { kind: 'certificate', ordinal, record, epoch }
  if (renews) entry.supersedes = { ordinal: from.count(), at: from.date() }
  if (hasSuccessor) entry.supersededBy = from.count()
  if (hasPlace)
    entry.revocation = { place: from.count(), change: from.count(), ...(wasHeld && { heldAt: from.date() }) }
  const hasNothing = (hasInvalidity && !isRevoked) || (wasHeld && !hasPlace)
  const reason = hasNothing ? 'it says what it does not have' : contradiction(entry)
  if (reason !== undefined) throw badRecord('certificate', reason)
  return entry
}

/** What no store could have said; `undefined` for what one could. */
function contradiction({ ordinal, record, supersedes, revocation: place }: CertificateEntry): string | undefined {
  const isReservation = record.state === 'reserved' || record.state === 'abandoned'
  if (ordinal < 1) return 'its ordinal is 0'
  if (isReservation ? record.der !== undefined || record.fingerprint !== undefined : record.fingerprint === undefined) {
    return 'a certificate has a fingerprint, and a reservation has not'
  }
  if (isReservation !== (record.tbsCertificate !== undefined))
    return 'a reservation has a tbsCertificate, and nothing else has'
  if ((record.state === 'reserved') !== (record.holder !== undefined))
    return 'a reservation has a holder, and nothing else has'
  if (supersedes !== undefined && record.state !== 'reserved') return 'no reservation renews nothing'
  if (record.revocation !== undefined && place === undefined) return 'it is revoked and has no place'
  if (place !== undefined && (place.place < 1 || place.change < 1)) return 'its place or its change is 0'
  if (place !== undefined && (record.revocation === undefined) !== (place.heldAt !== undefined)) {
    return 'it is revoked, or its hold was released'
  }
  return undefined
}

function writeAttributes(to: RecordWriter, attributes: Readonly<Record<string, string>>): void {
  if (typeof attributes !== 'object' || attributes === null) throw badRecord('unknown', 'attributes are no object')
  const pairs = Object.entries(attributes)
  to.count(pairs.length, 'attributes')
  for (const [name, value] of pairs) {
    to.text(name, 'attributes')
    to.text(value, 'attributes')
  }
}

function readAttributes(from: RecordReader): Readonly<Record<string, string>> {
  const pairs: [string, string][] = []
  for (let left = from.count(); left > 0; left--) pairs.push([from.text(), from.text()])
  // Not by assignment: `__proto__` is a name like any other.
  const attributes = Object.fromEntries(pairs)
  const names = Object.keys(attributes)
  if (names.length !== pairs.length || names.some((name, index) => name !== pairs[index]![0])) {
    throw badRecord('unknown', 'attributes are there twice, or in another order')
  }
  return attributes
}

function writeEvent(to: RecordWriter, { sequence, event }: LedgerEntry): void {
  const { deviceId, certificate, fingerprint, details } = event
  to.flags(deviceId !== undefined, certificate !== undefined, fingerprint !== undefined, details !== undefined)
  if (sequence < 1) throw badRecord('event', 'its sequence number is 0')
  to.count(sequence, 'sequence')
  to.text(event.type, 'type')
  to.date(event.at, 'at')
  if (deviceId !== undefined) to.text(deviceId, 'deviceId')
  if (certificate !== undefined) {
    to.hex(certificate.issuerKeyId, 'issuerKeyId')
    to.hex(certificate.serialNumber, 'serialNumber')
  }
  if (fingerprint !== undefined) to.text(fingerprint, 'fingerprint')
  if (details !== undefined) {
    if (!isFlat(details)) throw badRecord('event', 'its details are not flat')
    to.text(JSON.stringify(details), 'details')
  }
}

function readEvent(from: RecordReader): LedgerEntry {
  const [hasDevice, hasCertificate, hasFingerprint, hasDetails] = from.flags(4)
  const sequence = from.count()
  // A newer version's type is kept as it is: the ledger is read by others, too.
  const type = from.text() as FleetEventType
  const event: Mutable<FleetEventInput> = { type, at: from.date() }
  if (sequence < 1) throw badRecord('event', 'its sequence number is 0')
  if (hasDevice) event.deviceId = from.text()
  if (hasCertificate) event.certificate = { issuerKeyId: from.hex(), serialNumber: from.hex() }
  if (hasFingerprint) event.fingerprint = from.text()
  if (hasDetails) event.details = readDetails(from.text())
  return { kind: 'event', sequence, event }
}

function readDetails(text: string): NonNullable<FleetEventInput['details']> {
  let details: unknown
  try {
    details = JSON.parse(text)
  } catch {
    throw badRecord('event', 'its details are no JSON')
  }
  if (!isFlat(details) || JSON.stringify(details) !== text) throw badRecord('event', 'its details are not flat')
  return details
}

function isFlat(details: unknown): details is NonNullable<FleetEventInput['details']> {
  return (
    typeof details === 'object' &&
    details !== null &&
    !Array.isArray(details) &&
    Object.values(details).every(
      value => typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value),
    )
  )
}

function writeToken(to: RecordWriter, { token, epoch, spentBy }: TokenEntry): void {
  const { profile, owner, attributes } = token
  to.flags(profile !== undefined, owner !== undefined, attributes !== undefined, spentBy !== undefined)
  to.hash(token.hash, 'hash')
  to.text(token.deviceId, 'deviceId')
  to.date(token.expiresAt, 'expiresAt')
  to.count(epoch, 'epoch')
  if (profile !== undefined) to.text(profile, 'profile')
  if (owner !== undefined) to.text(owner, 'owner')
  if (attributes !== undefined) writeAttributes(to, attributes)
  if (spentBy !== undefined) to.count(spentBy, 'spentBy')
}

function readToken(from: RecordReader): TokenEntry {
  const [hasProfile, hasOwner, hasAttributes, isSpent] = from.flags(4)
  const hash = from.hash()
  const deviceId = from.text()
  const expiresAt = from.date()
  const epoch = from.count()
  const token: Mutable<TokenEntry['token']> = { hash, deviceId, expiresAt }
  if (hasProfile) token.profile = from.text()
  if (hasOwner) token.owner = from.text()
  if (hasAttributes) token.attributes = readAttributes(from)
  return { kind: 'token', token, epoch, ...(isSpent && { spentBy: from.count() }) }
}
