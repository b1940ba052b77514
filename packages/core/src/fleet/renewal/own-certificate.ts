import { formatFingerprint, type IoOptions, PkiError } from '@fleetcert/x509'
import type { CertificateRecord, Store } from '../../store/store.ts'

/**
 * A device's certificate by its fingerprint. One of another device is as unknown as one that nobody has.
 * @throws PkiError `ERR_PKI_CERTIFICATE_UNKNOWN`
 */
export async function ownCertificate(
  store: Store,
  deviceId: string | undefined,
  fingerprint: Uint8Array,
  options?: IoOptions,
): Promise<CertificateRecord> {
  const record = await store.certificate({ fingerprint }, options)
  const isDevices = record?.deviceId !== undefined && (record.role === 'device' || record.role === 'service')
  if (record === undefined || !isDevices || (deviceId !== undefined && record.deviceId !== deviceId)) {
    throw new PkiError('ERR_PKI_CERTIFICATE_UNKNOWN', { fingerprint: formatFingerprint(fingerprint) })
  }
  return record
}
