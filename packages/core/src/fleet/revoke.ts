import { formatFingerprint, type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import { enforce } from '../revocation/enforce.ts'
import type { CertificateId, CertificateRecord, FleetEvent, FleetEventInput, Revocation } from '../store/store.ts'
import type { FleetParts } from './create-fleet.ts'
import { currentCertificate } from './current-certificate.ts'
import type { Fleet, RevocationResult, RevokeRequest } from './fleet.ts'
import { checkIdentifier } from './identifier.ts'
import { listAll } from './list-all.ts'
import { revocationReasons } from './revocation-reasons.ts'

/** The part of a fleet that ends certificates. */
export interface Revoker extends Pick<Fleet, 'revoke' | 'release'> {
  /** Whether an event of the ledger tells of a revocation that was made here, and enforced. */
  isOwn(event: FleetEvent): boolean
}

// What others have revoked is looked for every 500 ms; what was revoked here so many revocations ago has been seen by then.
const rememberedRevocations = 10_000

/** Revocations are durable first; then every enforcer is asked. */
export function createRevoker(parts: FleetParts & { readonly closed: AbortSignal }): Revoker {
  const { store, clock } = parts
  const own = new Set<string>()
  const keyOf = (deviceId: string | undefined, at: Date): string => `${deviceId} ${at.getTime()}`
  const remember = (deviceId: string, at: Date): void => {
    own.add(keyOf(deviceId, at))
    if (own.size > rememberedRevocations) for (const oldest of own) return void own.delete(oldest)
  }

  // Every CA of the fleet, the root too, is certified by the root.
  const rootKeyId = parts.authorities.find(({ role }) => role === 'root')?.issuer.keyId
  const isOwnCa = ({ id }: CertificateRecord): boolean =>
    id.issuerKeyId === rootKeyId &&
    parts.authorities.some(({ issuer }) => issuer.certificate.serialNumber === id.serialNumber)

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
    // Only now: a revocation whose answer was lost is found in the ledger, and enforced, like another process's.
    remember(deviceId, event.at)
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

  const revoke: Fleet['revoke'] = async (target, request = {}, options) => {
    const revocation = revocationOf(request, clock())
    if (typeof target === 'string') return revokeDevice(target, revocation, options)
    const record = await find(target, options)
    if (isOwnCa(record)) {
      throw new PkiError('ERR_PKI_CA_IN_USE', { serialNumber: record.id.serialNumber })
    }
    const event: FleetEventInput = {
      ...eventOf(revocation),
      ...namesOf(record),
    }
    const revoked = await store.revoke(record.id, revocation, [event], options)
    if (record.deviceId !== undefined) remember(record.deviceId, event.at)
    if (revoked === undefined)
      throw new PkiError('ERR_PKI_CERTIFICATE_UNKNOWN', { serialNumber: record.id.serialNumber })
    return result(record.deviceId, revoked.revocation, revoked.created ? [record.id] : [])
  }

  const release: Fleet['release'] = async (target, options) => {
    const records: CertificateRecord[] = []
    if (typeof target === 'string') {
      checkIdentifier(target, 'deviceId')
      for await (const record of listAll(store, { list: 'device', deviceId: target }, undefined, options)) {
        if (record.revocation?.reason === 'certificateHold') records.push(record)
      }
    } else {
      records.push(await find(target, options))
    }
    let released = false
    for (const record of records) {
      const event: FleetEventInput = { type: 'released', at: clock(), ...namesOf(record) }
      if (await store.release(record.id, [event], options)) released = true
    }
    return released
  }

  return { revoke, release, isOwn: event => own.has(keyOf(event.deviceId, event.at)) }
}

function revocationOf(request: RevokeRequest, now: Date): Revocation {
  const { reason = 'unspecified', invalidityDate } = request
  if (!revocationReasons.includes(reason))
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

function namesOf(record: CertificateRecord): Pick<FleetEventInput, 'certificate' | 'deviceId' | 'fingerprint'> {
  return {
    certificate: record.id,
    ...(record.deviceId === undefined ? {} : { deviceId: record.deviceId }),
    ...(record.fingerprint === undefined ? {} : { fingerprint: formatFingerprint(record.fingerprint) }),
  }
}
