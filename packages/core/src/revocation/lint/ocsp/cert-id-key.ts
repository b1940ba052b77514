import { toHex } from '@fleetcert/x509'
import type { CertIdView } from './ocsp-view.ts'

/** What two CertIDs have in common that name the same certificate by the same hash: all of it but the parameters of hashAlgorithm, absent or NULL. */
export function certIdKey({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }: CertIdView): string {
  return [hashAlgorithm, ...[issuerNameHash, issuerKeyHash, serialNumber].map(octets => toHex(octets))].join(':')
}
