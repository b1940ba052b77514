/** Alert descriptions of TLS by number (RFC 8446 section 6, and for what only TLS 1.2 has RFC 5246 section 7.2). */
const alertNames: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  109: 'missing_extension',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
}
const knownNames = new Set(Object.values(alertNames))

/**
 * The alert that a server sent, by its RFC name, found in an error of Node's TLS.
 *
 * The number in OpenSSL's text is what stays the same: the code is `ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED` on Node 20, `ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED` on Node 24, and plain `EPROTO` when
 * the alert answers a write.
 */
export function tlsAlertOf(error: { readonly code?: unknown; readonly message?: unknown }): string | undefined {
  const number = /SSL alert number (\d{1,3})/.exec(String(error.message))?.[1]
  if (number !== undefined) return alertNames[Number(number)] ?? `alert ${number}`
  const name = /^ERR_SSL_.*_ALERT_([A-Z_]+)$/.exec(String(error.code))?.[1]?.toLowerCase()
  return name !== undefined && knownNames.has(name) ? name : undefined
}
