import type { CertificateRecord } from '../store/store.ts'
import { deviceRecordOf, statusAt } from './device-record.ts'
import type { Identification } from './fleet.ts'
import { type IssuerEnding, withEnding } from './issuers/issuer-set.ts'

/**
 * What a recorded certificate is worth at `now`: nothing, if it is not that of a device or service. The record becomes part of the answer.
 * @param ending what became of all that its issuer has issued
 */
export function identificationOf(
  recorded: CertificateRecord,
  now: Date,
  ending: IssuerEnding | undefined,
): Identification {
  const certificate = withEnding(recorded, ending)
  const device = deviceRecordOf(certificate, now)
  if (device === undefined) return { status: 'unknown' }
  const { status } = device
  if (status === 'active') return { status, device, certificate }
  const reason = certificate.revocation?.reason
  if (isRenewable(recorded, now, ending)) {
    return {
      status,
      device,
      certificate,
      ...(reason !== undefined && { reason }),
      renewableUntil: ending.renewableUntil,
    }
  }
  return reason === undefined ? { status, device, certificate } : { status, device, certificate, reason }
}

/** Whether nothing but the revocation of its CA stands against a certificate, and the operator lets such devices renew. */
export function isRenewable(
  recorded: CertificateRecord,
  now: Date,
  ending: IssuerEnding | undefined,
): ending is Extract<IssuerEnding, { type: 'revoked' }> & { readonly renewableUntil: Date } {
  if (ending?.type !== 'revoked' || ending.renewableUntil === undefined || now >= ending.renewableUntil) return false
  const status = statusAt(recorded, now)
  return status === 'active' || status === 'expired'
}
