import { type IoOptions, PkiError } from '@fleetcert/x509'
import type { CertificateRecord, Store } from '../../store/store.ts'
import { listAll } from '../list-all.ts'

// A device has some few certificates newer than the one that it uses: those whose answers it lost.
const pageSize = 8
const lookBack = 256

/**
 * What a renewal takes the place of: the newest certificate that descends from the presented one by renewals. It is another one when the device lost the answer to an earlier renewal.
 * A presented one that has expired is refused when the device was given a certificate in another way since: whoever holds the old key only may be another by now.
 *
 * @throws PkiError `ERR_PKI_DEVICE_NOT_ACTIVE`
 */
export async function renewalHead(
  store: Store,
  deviceId: string,
  presented: CertificateRecord,
  isExpired: boolean,
  options?: IoOptions,
): Promise<CertificateRecord> {
  // Nothing has taken its place. What the device has beside it, such as a pinned certificate, is none of its descendants.
  if (presented.supersededAt === undefined && !isExpired) return presented
  const replaced = new PkiError('ERR_PKI_DEVICE_NOT_ACTIVE', { deviceId, status: 'superseded' })
  let newest: CertificateRecord | undefined
  let seen = 0
  for await (const record of listAll(store, { list: 'device', deviceId }, undefined, options, pageSize)) {
    if (isSameCertificate(record, presented)) {
      if (newest !== undefined && presented.supersededAt === undefined) throw replaced
      return newest ?? presented
    }
    seen += 1
    if (seen === lookBack) break
    if (record.state !== 'issued' || isRevokedForGood(record)) continue
    // Each one but the newest has to have been renewed: else a new line began with it.
    if (newest !== undefined && record.supersededAt === undefined) throw replaced
    newest ??= record
    // One that is good has not been enrolled anew: that takes a device without a live certificate.
    if (!isExpired) return newest
  }
  throw replaced
}

/** Whether two records are of one certificate. */
export function isSameCertificate(a: CertificateRecord, b: CertificateRecord): boolean {
  return a.id.serialNumber === b.id.serialNumber && a.id.issuerKeyId === b.id.issuerKeyId
}

function isRevokedForGood({ revocation }: CertificateRecord): boolean {
  return revocation !== undefined && revocation.reason !== 'certificateHold'
}
