import { certificateFingerprint, decodePem } from '@fleetcert/x509'

/** The fingerprint of the first certificate of a PEM text: `AA:BB:…`. */
export function firstFingerprint(text: string): string {
  return certificateFingerprint(decodePem(text, 'CERTIFICATE')[0]!.der)
}
