import { formatFingerprint } from '@fleetcert/x509'
import type { CertificateRecord } from '../store/store.ts'
import type { DeviceRecord, DeviceStatus } from './fleet.ts'

/** What a recorded certificate is worth at `now`. A revocation outweighs all else; then supersession, then the validity period. */
export function statusAt(record: CertificateRecord, now: Date): DeviceStatus {
  if (record.revocation !== undefined) return record.revocation.reason === 'certificateHold' ? 'held' : 'revoked'
  if (record.supersededAt !== undefined && record.supersededAt.getTime() <= now.getTime()) return 'superseded'
  if (now.getTime() < record.notBefore.getTime()) return 'notYetValid'
  // notAfter is inclusive, in whole seconds (RFC 5280 section 4.1.2.5). Asked this way round, a date that is none is `expired`.
  return now.getTime() < record.notAfter.getTime() + 1000 ? 'active' : 'expired'
}

/** A device as its newest certificate tells it; `undefined` for what is not the certificate of a device or service. */
export function deviceRecordOf(record: CertificateRecord, now: Date): DeviceRecord | undefined {
  const { deviceId, role, fingerprint } = record
  if (deviceId === undefined || fingerprint === undefined || (role !== 'device' && role !== 'service')) return undefined
  if (record.state !== 'issued' && record.state !== 'pinned') return undefined
  return {
    deviceId,
    role,
    ...(record.owner === undefined ? {} : { owner: record.owner }),
    attributes: record.attributes ?? {},
    status: statusAt(record, now),
    fingerprint: formatFingerprint(fingerprint),
    serialNumber: record.id.serialNumber,
    issuerKeyId: record.id.issuerKeyId,
    createdAt: record.createdAt,
    notBefore: record.notBefore,
    notAfter: record.notAfter,
    ...(record.revocation === undefined
      ? {}
      : { revokedAt: record.revocation.revocationDate, reason: record.revocation.reason }),
  }
}
