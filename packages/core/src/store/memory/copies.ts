import type {
  CertificateRecord,
  CertificateSubject,
  CrlParts,
  FleetEventInput,
  Holder,
  Lease,
  Revocation,
} from '../store.ts'

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

export function copyLease(lease: Lease): Lease {
  return { name: lease.name, fence: lease.fence, until: copyDate(lease.until) }
}

export function copySubject(subject: CertificateSubject): CertificateSubject {
  return {
    id: { issuerKeyId: subject.id.issuerKeyId, serialNumber: subject.id.serialNumber },
    role: subject.role,
    profile: subject.profile,
    ...(subject.deviceId !== undefined && { deviceId: subject.deviceId }),
    ...(subject.owner !== undefined && { owner: subject.owner }),
    ...(subject.attributes && { attributes: { ...subject.attributes } }),
    publicKeyHash: copyBytes(subject.publicKeyHash),
    notBefore: copyDate(subject.notBefore),
    notAfter: copyDate(subject.notAfter),
    shard: subject.shard,
    createdAt: copyDate(subject.createdAt),
  }
}

export function copyRecord(record: CertificateRecord): CertificateRecord {
  return {
    ...copySubject(record),
    state: record.state,
    ...(record.der && { der: copyBytes(record.der) }),
    ...(record.tbsCertificate && { tbsCertificate: copyBytes(record.tbsCertificate) }),
    ...(record.fingerprint && { fingerprint: copyBytes(record.fingerprint) }),
    ...(record.revocation && { revocation: copyRevocation(record.revocation) }),
    ...(record.supersededAt && { supersededAt: copyDate(record.supersededAt) }),
    ...(record.holder && { holder: copyHolder(record.holder) }),
  }
}

export function copyEvent(event: FleetEventInput): FleetEventInput {
  return {
    type: event.type,
    at: copyDate(event.at),
    ...(event.deviceId !== undefined && { deviceId: event.deviceId }),
    ...(event.certificate && {
      certificate: { issuerKeyId: event.certificate.issuerKeyId, serialNumber: event.certificate.serialNumber },
    }),
    ...(event.fingerprint !== undefined && { fingerprint: event.fingerprint }),
    ...(event.details && { details: { ...event.details } }),
  }
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
