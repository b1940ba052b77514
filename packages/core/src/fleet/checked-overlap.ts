import { PkiError } from '@fleetcert/x509'

const most = 100 * 366 * 86_400

/**
 * Seconds that a certificate is good, or may be renewed, beyond a moment: a whole number from 0 to 100 years.
 * @throws PkiError `ERR_PKI_VALIDITY`
 */
export function checkedOverlap(seconds: number, label: string): number {
  if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > most) {
    throw new PkiError('ERR_PKI_VALIDITY', { reason: `${label} must be a whole number from 0 to 100 years` })
  }
  return seconds
}
