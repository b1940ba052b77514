import { PkiError } from '@fleetcert/x509'

// Path words of the HTTP face and of the fleet's folder: `devices/ca-cert.pem` must not be overwritten by a device called `ca`.
const reserved = new Set(['ca', 'validate', 'authorize', 'renew'])

// A fixed alphabet without `/ + # $ , \ % " '`, white space or control characters, so that an identifier is the same octets in a topic, a file name, a URL and a common name.
const identifier = /^[A-Za-z0-9][A-Za-z0-9._\-:@]{0,63}$/

/**
 * Checks a device id, an owner or an attribute value: 1–64 of `A–Z a–z 0–9 . _ - : @`, the first a letter or digit, not a reserved word. Compared octet by octet.
 * @throws PkiError `ERR_PKI_DEVICE_ID`
 */
export function checkIdentifier(value: unknown, field: 'deviceId' | 'owner' | 'attribute'): string {
  if (typeof value !== 'string' || !identifier.test(value) || isReserved(value)) {
    throw new PkiError('ERR_PKI_DEVICE_ID', { field })
  }
  return value
}

// `CA-cert.pem` is `ca-cert.pem` where the file system folds case.
function isReserved(value: string): boolean {
  return reserved.has(value.toLowerCase())
}

/** Whether `value` may be a device id. */
export function isDeviceId(value: unknown): value is string {
  return typeof value === 'string' && identifier.test(value) && !isReserved(value)
}

/**
 * Checks the attributes of a device: names of 1–32 `A–Z a–z 0–9 _`, at most 16, values as in {@link checkIdentifier}.
 * @throws PkiError `ERR_PKI_DEVICE_ID`
 */
export function checkAttributes(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(attributes)
  if (entries.length > 16) throw new PkiError('ERR_PKI_DEVICE_ID', { field: 'attribute' })
  for (const [name, value] of entries) {
    if (!/^[A-Za-z][A-Za-z0-9_]{0,31}$/.test(name)) throw new PkiError('ERR_PKI_DEVICE_ID', { field: 'attribute' })
    checkIdentifier(value, 'attribute')
  }
  return Object.fromEntries(entries)
}
