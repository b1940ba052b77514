import type {
  CertificateId,
  CertificateRecord,
  CertificateState,
  CertificateSubject,
  CrlParts,
  FleetEventInput,
  Holder,
  Revocation,
} from '../store.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

// What is kept is nobody else's: everything is copied on the way in and on the way out, so that no caller can change a stored byte or date.

/** A copy that is a plain Uint8Array, whatever the source was (`Buffer.prototype.slice` would share memory). */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

export function copyDate(date: Date): Date {
  return new Date(date.getTime())
}

export function copyRevocation(revocation: Revocation): Revocation {
  return {
    revocationDate: copyDate(revocation.revocationDate),
    reason: revocation.reason,
    ...(revocation.invalidityDate && { invalidityDate: copyDate(revocation.invalidityDate) }),
  }
}

export function copyHolder(holder: Holder): Holder {
  return { instance: holder.instance, leaseUntil: copyDate(holder.leaseUntil) }
}

// The next three are in the path of every certificate that is issued or identified: members are set one by one, since spreading
// a conditional object for each of them costs several times as much.

export function copySubject(subject: CertificateSubject): CertificateSubject {
  const copy: Mutable<CertificateSubject> = {
    id: copyId(subject.id),
    role: subject.role,
    profile: subject.profile,
    publicKeyHash: copyBytes(subject.publicKeyHash),
    notBefore: copyDate(subject.notBefore),
    notAfter: copyDate(subject.notAfter),
    shard: subject.shard,
    createdAt: copyDate(subject.createdAt),
  }
  if (subject.deviceId !== undefined) copy.deviceId = subject.deviceId
  if (subject.owner !== undefined) copy.owner = subject.owner
  if (subject.attributes !== undefined) copy.attributes = { ...subject.attributes }
  return copy
}

/** The record of `subject` in a state, with copies of those of the other members that are there. */
export function copyRecord(
  subject: CertificateSubject,
  state: CertificateState,
  rest: Omit<Partial<CertificateRecord>, keyof CertificateSubject>,
): CertificateRecord {
  const record = copySubject(subject) as Mutable<CertificateRecord>
  record.state = state
  if (rest.der !== undefined) record.der = copyBytes(rest.der)
  if (rest.tbsCertificate !== undefined) record.tbsCertificate = copyBytes(rest.tbsCertificate)
  if (rest.fingerprint !== undefined) record.fingerprint = copyBytes(rest.fingerprint)
  if (rest.revocation !== undefined) record.revocation = copyRevocation(rest.revocation)
  if (rest.supersededAt !== undefined) record.supersededAt = copyDate(rest.supersededAt)
  if (rest.holder !== undefined) record.holder = copyHolder(rest.holder)
  return record
}

export function copyEvent(event: FleetEventInput): FleetEventInput {
  const copy: Mutable<FleetEventInput> = { type: event.type, at: copyDate(event.at) }
  if (event.deviceId !== undefined) copy.deviceId = event.deviceId
  if (event.certificate !== undefined) copy.certificate = copyId(event.certificate)
  if (event.fingerprint !== undefined) copy.fingerprint = event.fingerprint
  if (event.details !== undefined) copy.details = { ...event.details }
  return copy
}

function copyId(id: CertificateId): CertificateId {
  return { issuerKeyId: id.issuerKeyId, serialNumber: id.serialNumber }
}

export function copyCrl(crl: CrlParts): CrlParts {
  return {
    crlNumber: crl.crlNumber,
    thisUpdate: copyDate(crl.thisUpdate),
    nextUpdate: copyDate(crl.nextUpdate),
    parts: crl.parts.map(copyBytes),
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** Octets as a key of a Map. */
export function bytesKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
