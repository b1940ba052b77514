import { createHash } from 'node:crypto'
import type { CertificateId, CertificateSubject, Lease } from '@fleetcert/core'
import { hashText, hexText, milliseconds, plainText } from '../arguments.ts'

/** A certificate's id as changes take it. */
export function idFields(id: CertificateId): { readonly issuer: string; readonly serial: string } {
  return { issuer: hexText(id.issuerKeyId, 'issuerKeyId'), serial: hexText(id.serialNumber, 'serialNumber') }
}

/** What every certificate has, as `insert_certificate` of the server takes it. */
export function subjectFields(subject: CertificateSubject): object {
  const { deviceId, owner, attributes } = subject
  const pairs = Object.entries(attributes ?? {})
  return {
    ...idFields(subject.id),
    role: subject.role,
    profile: plainText(subject.profile, 'profile'),
    ...(deviceId !== undefined && { deviceId: plainText(deviceId, 'deviceId') }),
    ...(owner !== undefined && { owner: plainText(owner, 'owner') }),
    ...(attributes && { attributes: JSON.stringify(attributes) }),
    ...(pairs.length > 0 && { pairs: pairs.map(([name, value]) => attributePair(name, value)) }),
    publicKeyHash: hashText(subject.publicKeyHash, 'publicKeyHash'),
    notBefore: milliseconds(subject.notBefore, 'notBefore'),
    notAfter: milliseconds(subject.notAfter, 'notAfter'),
    shard: subject.shard,
    createdAt: milliseconds(subject.createdAt, 'createdAt'),
  }
}

/** What certificates with that attribute are found by, in hexadecimal. */
export function attributePair(name: string, value: string): string {
  return createHash('sha256')
    .update(JSON.stringify([name, value]))
    .digest('hex')
}

/** A lease as changes take it: its name and fence. */
export function leaseFields(lease: Lease | undefined): object {
  return lease === undefined ? {} : { lease: [plainText(lease.name, 'name'), lease.fence] }
}
