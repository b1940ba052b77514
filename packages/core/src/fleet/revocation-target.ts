/**
 * Whether a caller names something that can be revoked or released; whether it exists is the store's to say. For callers without types, who would else hear `ERR_PKI_CERTIFICATE_UNKNOWN` of what names no certificate.
 *
 * @throws TypeError
 */
export function checkTarget(target: unknown): void {
  if (typeof target === 'string') return
  if (typeof target === 'object' && target !== null) {
    if ('fingerprint' in target || 'publicKey' in target) return
    if ('issuerKeyId' in target && 'serialNumber' in target) return
  }
  throw new TypeError(
    'target: expected a device id, { fingerprint }, { issuerKeyId, serialNumber } or, to revoke, { publicKey }',
  )
}
