import { type CrlReason, formatFingerprint, type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import { enforce } from '../revocation/enforce.ts'
import type { CertificateId, CertificateRecord, FleetEventInput, Revocation } from '../store/store.ts'
import type { FleetParts } from './create-fleet.ts'
import { currentCertificate } from './current-certificate.ts'
import type { Fleet, RevocationResult, RevokeRequest } from './fleet.ts'
import { checkIdentifier } from './identifier.ts'

const reasons: ReadonlySet<CrlReason> = new Set<CrlReason>([
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
])

/** `fleet.revoke`: durable first, then every enforcer. */
export function createRevoker(parts: FleetParts & { readonly closed: AbortSignal }): Fleet['revoke'] {
  const { store, clock } = parts

  const result = (
    deviceId: string | undefined,
    revocation: Revocation,
    certificates: readonly CertificateId[],
  ): RevocationResult => ({
    ...(deviceId === undefined ? {} : { deviceId }),
    revocationDate: revocation.revocationDate,
    reason: revocation.reason,
    certificates,
    enforced:
      deviceId === undefined
        ? Promise.resolve({ confirmed: [], pending: [], failed: [] })
        : enforce(parts.enforcers, deviceId, parts.enforceTimeoutSeconds, parts.closed),
  })

  const revokeDevice = async (
    deviceId: string,
    revocation: Revocation,
    options?: IoOptions,
  ): Promise<RevocationResult> => {
    checkIdentifier(deviceId, 'deviceId')
    const event = { ...eventOf(revocation), deviceId }
    const revoked = await store.revokeDevice(deviceId, revocation, event, options)
    if (revoked.length > 0) return result(deviceId, revocation, revoked)
    const newest = await currentCertificate(store, deviceId, clock(), options)
    if (newest?.revocation === undefined) throw new PkiError('ERR_PKI_DEVICE_UNKNOWN', { deviceId })
    return result(deviceId, newest.revocation, [])
  }

  const find = async (
    target: { readonly fingerprint: string } | CertificateId,
    options?: IoOptions,
  ): Promise<CertificateRecord> => {
    const key = 'fingerprint' in target ? { fingerprint: parseFingerprint(target.fingerprint) } : target
    const record = await store.certificate(key, options)
    if (record === undefined) {
      throw new PkiError(
        'ERR_PKI_CERTIFICATE_UNKNOWN',
        'fingerprint' in target ? { fingerprint: target.fingerprint } : { serialNumber: target.serialNumber },
      )
    }
    return record
  }

  return async (target, request = {}, options): Promise<RevocationResult> => {
    const revocation = revocationOf(request, clock())
    if (typeof target === 'string') return revokeDevice(target, revocation, options)
    const record = await find(target, options)
    if (record.role === 'root' || record.role === 'issuingCa') {
      throw new PkiError('ERR_PKI_CA_IN_USE', { serialNumber: record.id.serialNumber })
    }
    const event: FleetEventInput = {
      ...eventOf(revocation),
      certificate: record.id,
      ...(record.deviceId === undefined ? {} : { deviceId: record.deviceId }),
      ...(record.fingerprint === undefined ? {} : { fingerprint: formatFingerprint(record.fingerprint) }),
    }
    const revoked = await store.revoke(record.id, revocation, [event], options)
    if (revoked === undefined)
      throw new PkiError('ERR_PKI_CERTIFICATE_UNKNOWN', { serialNumber: record.id.serialNumber })
    return result(record.deviceId, revoked.revocation, revoked.created ? [record.id] : [])
  }
}

function revocationOf(request: RevokeRequest, now: Date): Revocation {
  const { reason = 'unspecified', invalidityDate } = request
  if (!reasons.has(reason))
    throw new TypeError('reason: expected a reason of RFC 5280 section 5.3.1 other than removeFromCRL')
  if (invalidityDate !== undefined && !(invalidityDate.getTime() >= 0 && invalidityDate.getTime() <= now.getTime())) {
    throw new RangeError('invalidityDate: expected a date from 1970 on that is not in the future')
  }
  return { revocationDate: now, reason, ...(invalidityDate === undefined ? {} : { invalidityDate }) }
}

function eventOf(revocation: Revocation): FleetEventInput {
  return {
    type: revocation.reason === 'certificateHold' ? 'held' : 'revoked',
    at: revocation.revocationDate,
    details: { reason: revocation.reason },
  }
}
