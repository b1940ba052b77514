import { formatFingerprint, type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import type { RecentSilence } from '../revocation/enforcement/enforcement-tasks.ts'
import { createEnforcementQueue, type EnforcementQueue, mergeEnforcements } from '../revocation/enforcement-queue.ts'
import type { CertificateId, CertificateRecord, FleetEvent, FleetEventInput, Revocation } from '../store/store.ts'
import type { FleetParts } from './create-fleet.ts'
import { currentCertificate } from './current-certificate.ts'
import { createEnding, type Ending } from './ending.ts'
import type { Fleet, RevocationResult } from './fleet.ts'
import { checkIdentifier } from './identifier.ts'
import { listAll } from './list-all.ts'
import { createOwnRevocations } from './own-revocations.ts'
import { keyOf } from './revocation-key.ts'
import { compromisedKeysOf, endQuery, endSharedKeys, type PageContext } from './revocation-pages.ts'
import { eventOf, revocationOf } from './revocation-request.ts'
import { checkTarget } from './revocation-target.ts'
import { createRevokeAll } from './revoke-all.ts'

/** The part of a fleet that ends certificates. */
export interface Revoker extends Pick<Fleet, 'revoke' | 'revokeAll' | 'release'>, EnforcementQueue {
  /** What was begun here for the revocation that an event of the ledger tells of; `undefined` if it was made elsewhere. */
  begun(event: FleetEvent): RecentSilence | undefined
}

/** Revocations are durable first; then every enforcer is asked. */
export function createRevoker(parts: FleetParts & { readonly closed: AbortSignal }): Revoker {
  const { store, clock } = parts
  const own = createOwnRevocations()
  const queue = createEnforcementQueue(parts)
  const context: PageContext = { store, clock, own, closed: parts.closed }

  // A root or an issuing CA of another fleet that this one has signed is none of its own.
  const isOwnCa = ({ id }: CertificateRecord): boolean =>
    parts.issuers.current.authorities.some(({ record: { own, cross = [] } }) =>
      [own, ...cross].some(kept => kept.id.serialNumber === id.serialNumber && kept.id.issuerKeyId === id.issuerKeyId),
    )

  const result = (deviceId: string | undefined, revocation: Revocation, ending: Ending): RevocationResult => ({
    ...(deviceId === undefined ? {} : { deviceId }),
    revocationDate: revocation.revocationDate,
    reason: revocation.reason,
    certificates: ending.certificates,
    devices: [...ending.devices.keys()],
    enforced: Promise.all(ending.devices.values()).then(mergeEnforcements),
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
    own.rememberDevice(deviceId, event.at)
    const ending = createEnding(queue)
    if (revoked.length > 0) ending.addTarget(deviceId)
    ending.add(revoked.map(id => ({ id, deviceId })))
    if (revocation.reason === 'keyCompromise') {
      const keys = await compromisedKeysOf(store, deviceId, options)
      await endSharedKeys(context, keys, revocation, ending, options)
    }
    if (revoked.length > 0) return result(deviceId, revocation, ending)
    const newest = await currentCertificate(store, deviceId, clock(), options)
    if (newest?.revocation === undefined) throw new PkiError('ERR_PKI_DEVICE_UNKNOWN', { deviceId })
    ending.addTarget(deviceId)
    return result(deviceId, newest.revocation, ending)
  }

  const revokeKey = async (
    publicKey: Uint8Array,
    revocation: Revocation,
    options?: IoOptions,
  ): Promise<RevocationResult> => {
    const key = keyOf(publicKey, (await parts.issuers.fresh(options)).authorities)
    if (revocation.reason === 'keyCompromise') await key.block(store, revocation, options)
    const ending = createEnding(queue)
    await endQuery(context, key.query, revocation, ending, options)
    const [first] = ending.certificates
    if (first !== undefined) {
      // Pages have dates of their own: what is answered is what is recorded.
      const recorded = await store.certificate(first, options)
      return result(undefined, recorded?.revocation ?? revocation, ending)
    }
    const [known] = (await store.certificates(key.query, { limit: 1 }, options)).items
    if (known === undefined && revocation.reason !== 'keyCompromise') {
      throw new PkiError('ERR_PKI_CERTIFICATE_UNKNOWN', { publicKey: key.fingerprint })
    }
    return result(undefined, known?.revocation ?? revocation, ending)
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
    checkTarget(target)
    const revocation = revocationOf(request, clock())
    if (typeof target === 'string') return revokeDevice(target, revocation, options)
    if ('publicKey' in target) return revokeKey(target.publicKey, revocation, options)
    const record = await find(target, options)
    await parts.issuers.fresh(options)
    if (isOwnCa(record)) {
      throw new PkiError('ERR_PKI_CA_IN_USE', { serialNumber: record.id.serialNumber })
    }
    const event: FleetEventInput = {
      ...eventOf(revocation),
      ...namesOf(record),
    }
    const revoked = await store.revoke(record.id, revocation, [event], options)
    if (record.deviceId !== undefined) own.rememberDevice(record.deviceId, event.at)
    if (revoked === undefined)
      throw new PkiError('ERR_PKI_CERTIFICATE_UNKNOWN', { serialNumber: record.id.serialNumber })
    const ending = createEnding(queue)
    if (record.deviceId !== undefined) ending.addTarget(record.deviceId)
    if (revoked.created) ending.add([record])
    if (revocation.reason === 'keyCompromise') {
      await endSharedKeys(context, [record.publicKeyHash], revocation, ending, options)
    }
    return result(record.deviceId, revoked.revocation, ending)
  }

  const release: Fleet['release'] = async (target, options) => {
    checkTarget(target)
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

  const revokeAll = createRevokeAll({ ...context, issuers: parts.issuers, ...queue })
  const begun = (event: FleetEvent): RecentSilence | undefined =>
    event.deviceId !== undefined && own.isOwn(event) ? queue.recent(event.deviceId) : undefined
  return { revoke, revokeAll, release, begun, ...queue }
}

function namesOf(record: CertificateRecord): Pick<FleetEventInput, 'certificate' | 'deviceId' | 'fingerprint'> {
  return {
    certificate: record.id,
    ...(record.deviceId === undefined ? {} : { deviceId: record.deviceId }),
    ...(record.fingerprint === undefined ? {} : { fingerprint: formatFingerprint(record.fingerprint) }),
  }
}
