import { checkNames, formatFingerprint, type IoOptions, PkiError, parseFingerprint } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { CertificateId, CertificateRecord, Store } from '../../store/store.ts'
import { checkedOverlap } from '../checked-overlap.ts'
import type { FleetParts } from '../create-fleet.ts'
import { statusAt } from '../device-record.ts'
import type { Fleet } from '../fleet.ts'
import { checkIdentifier } from '../identifier.ts'
import { ownCertificate } from './own-certificate.ts'

/** What `fleet.confirm` is told. */
export interface ConfirmRequest {
  /** `AA:BB:…` of the certificate that the device has proven to use: by a TLS connection, or by a signature. */
  readonly fingerprint: string
  /** How long the older certificates stay good, for a connection that still closes. Default 60; 0 ends them at once. */
  readonly overlapSeconds?: number
}

/** What a confirmation has changed. */
export interface Confirmation {
  /** How many older certificates end sooner than they would have. 0 when it was confirmed before. */
  readonly superseded: number
}

const confirmedOverlapSeconds = 60

/** The part of a fleet that hears that a device uses its new certificate. */
export function createConfirm({ store, clock }: Pick<FleetParts, 'store' | 'clock'>): Fleet['confirm'] {
  return async (deviceId: string, request: ConfirmRequest, options?: IoOptions): Promise<Confirmation> => {
    checkIdentifier(deviceId, 'deviceId')
    checkNames('confirm', request, { fingerprint: true, overlapSeconds: true })
    const overlapSeconds = checkedOverlap(request.overlapSeconds ?? confirmedOverlapSeconds, 'overlapSeconds')
    const fingerprint = parseFingerprint(request.fingerprint)
    const now = await checkedNow(store, clock, options)
    const record = await ownCertificate(store, deviceId, fingerprint, options)
    const status = statusAt(record, now)
    if (status !== 'active') throw new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status })
    const ended = await supersedeOlder(store, record, now, options, overlapSeconds)
    return { superseded: ended.length }
  }
}

/** Ends what a certificate has replaced, since its device uses it. */
export async function supersedeOlder(
  store: Store,
  { id, deviceId, fingerprint }: CertificateRecord,
  now: Date,
  options?: IoOptions,
  overlapSeconds: number = confirmedOverlapSeconds,
): Promise<readonly CertificateId[]> {
  const at = new Date(now.getTime() + overlapSeconds * 1000)
  const details = { supersededAt: at.toISOString(), confirmed: formatFingerprint(fingerprint!) }
  return store.supersede(id, at, { type: 'superseded', at: now, deviceId: deviceId!, details }, options)
}
