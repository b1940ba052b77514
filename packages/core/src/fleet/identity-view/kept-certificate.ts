import type { CertificateRecord } from '../../store/store.ts'

/**
 * A certificate's record in little room: a few strings and numbers, where the record itself takes about three times as much. No DER of what was issued here, which whoever shows the certificate has; that of a pinned one
 * is kept, for its names are looked at.
 */
export interface KeptCertificate {
  /** The fingerprint's octets as Latin-1. */
  readonly key: string
  readonly deviceId: string
  /** What it takes, octets. */
  readonly bytes: number
  readonly subject: SharedSubject
  readonly serialNumber: string
  /** Octets as Latin-1. */
  readonly publicKeyHash: string
  readonly notBefore: number
  readonly notAfter: number
  readonly createdAt: number
  readonly owner: string | undefined
  readonly attributes: Readonly<Record<string, string>> | undefined
  readonly supersededAt: number | undefined
  readonly revocation: CertificateRecord['revocation']
  readonly der: Uint8Array | undefined
  /** Asked for since the last look for what to drop. */
  isWanted: boolean
  /** Another one of the same device. */
  sibling: KeptCertificate | undefined
}

/** What thousands have in common. */
type SharedSubject = Pick<CertificateRecord, 'role' | 'profile' | 'shard' | 'state'> & { readonly issuerKeyId: string }

/** Object, boxed numbers, three strings of fixed length, places in two Maps. Measured at about 520. */
const overheadOctets = 560
const mostShared = 4096

/** Puts records in little room. */
export function createKeeper(): (key: string, deviceId: string, record: CertificateRecord) => KeptCertificate {
  const subjects = new Map<string, SharedSubject>()
  const sharedSubject = ({ role, profile, shard, state, id }: CertificateRecord): SharedSubject => {
    const name = `${role} ${state} ${shard} ${id.issuerKeyId} ${profile}`
    let subject = subjects.get(name)
    if (subject === undefined) {
      subject = { role, profile, shard, state, issuerKeyId: id.issuerKeyId }
      // Pinned certificates may have thousands of issuers.
      if (subjects.size === mostShared) subjects.clear()
      subjects.set(name, subject)
    }
    return subject
  }
  return (key, deviceId, record) => {
    const { owner, attributes, revocation, supersededAt } = record
    const der = record.state === 'pinned' && record.der !== undefined ? new Uint8Array(record.der) : undefined
    return {
      key,
      deviceId,
      bytes:
        overheadOctets +
        2 * (deviceId.length + (owner?.length ?? 0)) +
        (attributes === undefined ? 0 : octetsOf(attributes)) +
        (revocation === undefined ? 0 : 300) +
        (der === undefined ? 0 : 200 + der.length),
      subject: sharedSubject(record),
      serialNumber: record.id.serialNumber,
      publicKeyHash: latin1(record.publicKeyHash),
      notBefore: record.notBefore.getTime(),
      notAfter: record.notAfter.getTime(),
      createdAt: record.createdAt.getTime(),
      owner,
      attributes: attributes && { ...attributes },
      supersededAt: supersededAt?.getTime(),
      revocation: revocation && copyRevocation(revocation),
      der,
      isWanted: false,
      sibling: undefined,
    }
  }
}

/** The record again, all of it the caller's own; with the DER if it was kept. */
export function recordOf(kept: KeptCertificate): Mutable<CertificateRecord> {
  const { subject, owner, attributes, supersededAt, revocation, der } = kept
  // Members are set one by one, as in every place that thousands a second pass.
  const record: Mutable<CertificateRecord> = {
    id: { issuerKeyId: subject.issuerKeyId, serialNumber: kept.serialNumber },
    role: subject.role,
    profile: subject.profile,
    deviceId: kept.deviceId,
    publicKeyHash: octets(kept.publicKeyHash),
    notBefore: new Date(kept.notBefore),
    notAfter: new Date(kept.notAfter),
    shard: subject.shard,
    createdAt: new Date(kept.createdAt),
    state: subject.state,
    fingerprint: octets(kept.key),
  }
  if (owner !== undefined) record.owner = owner
  if (attributes !== undefined) record.attributes = { ...attributes }
  if (supersededAt !== undefined) record.supersededAt = new Date(supersededAt)
  if (revocation !== undefined) record.revocation = copyRevocation(revocation)
  if (der !== undefined) record.der = new Uint8Array(der)
  return record
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Octets as the key of a Map. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function octets(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index)
  return bytes
}

function copyRevocation(
  revocation: NonNullable<CertificateRecord['revocation']>,
): NonNullable<CertificateRecord['revocation']> {
  const { revocationDate, reason, invalidityDate } = revocation
  return {
    revocationDate: new Date(revocationDate),
    reason,
    ...(invalidityDate === undefined ? {} : { invalidityDate: new Date(invalidityDate) }),
  }
}

function octetsOf(attributes: Readonly<Record<string, string>>): number {
  let total = 100
  for (const [name, value] of Object.entries(attributes)) total += 100 + 2 * (name.length + value.length)
  return total
}
