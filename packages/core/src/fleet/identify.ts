import type { CertificateRecord } from '../store/store.ts'
import { deviceRecordOf } from './device-record.ts'
import type { Identification } from './fleet.ts'

/** What a recorded certificate is worth at `now`: nothing, if it is not that of a device or service. The record becomes part of the answer. */
export function identificationOf(certificate: CertificateRecord, now: Date): Identification {
  const device = deviceRecordOf(certificate, now)
  if (device === undefined) return { status: 'unknown' }
  const { status } = device
  if (status === 'active') return { status, device, certificate }
  const reason = certificate.revocation?.reason
  return reason === undefined ? { status, device, certificate } : { status, device, certificate, reason }
}
