import { isPkiError, PkiError } from '@fleetcert/x509'
import { connackReason } from './connack-reasons.ts'
import { plainText } from './plain-text.ts'
import { tlsAlertOf } from './tls-alert.ts'

/** How far an attempt had come: TCP, TLS, waiting for CONNACK, or a session that was up. */
export type ConnectionStage = 'connecting' | 'handshake' | 'connack' | 'session'

/** What is known beside the error; each part makes the answer more exact. */
export interface ConnectionErrorContext {
  readonly host?: string
  readonly port?: number
  readonly stage?: ConnectionStage
  /** Whether the server had shown a certificate. */
  readonly answered?: boolean
  /** The device's own certificate. */
  readonly certificate?: { readonly notBefore: Date; readonly notAfter: Date }
}

type ErrorLike = {
  readonly code?: unknown
  readonly message?: unknown
  readonly reason?: unknown
  readonly name?: unknown
}

// Node's names for the results of X509_verify_cert that mean "no path to a trust anchor, or not for this purpose".
const untrusted = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  // What Node has no name for, such as a key that is too small.
  'UNSPECIFIED',
])

const networkReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EAI_FAIL: 'the host name cannot be looked up',
  ENODATA: 'the host name has no address',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  EHOSTDOWN: 'the host is down',
  ENETUNREACH: 'no route to the network',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'no local address to connect from',
  EACCES: 'the system does not allow the connection',
  EPERM: 'the system does not allow the connection',
}
const resets = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE'])

/**
 * Says what went wrong with a connection to a broker: takes errors of node:net, node:tls and MQTT.js, and answers a PkiError whose code says who did not accept whom and why.
 * The message and details never hold PEM or keys.
 *
 * `ERR_PKI_SERVER_*`: this device does not accept the server. `ERR_PKI_CLIENT_*`: the server does not accept this device's certificate (an alert, RFC 8446 section 6.2). `ERR_PKI_BROKER_REFUSED`: the broker's CONNACK
 * or DISCONNECT. `ERR_PKI_UNREACHABLE`, `ERR_PKI_TLS`: neither. `ERR_PKI_IDENTITY`: no attempt was made.
 */
export function classifyConnectionError(error: unknown, context: ConnectionErrorContext = {}): PkiError {
  if (isPkiError(error)) return error
  const seen: ErrorLike = typeof error === 'object' && error !== null ? error : { message: String(error) }
  const options = { cause: causeOf(error) }
  const alert = tlsAlertOf(seen)
  if (alert !== undefined) return fromAlert(alert, context, options)
  if (typeof seen.code === 'number') return brokerRefused(seen.code, {}, options)
  const code = String(seen.code)
  const message = plainText(String(seen.message ?? ''))
  if (untrusted.has(code)) return new PkiError('ERR_PKI_SERVER_UNTRUSTED', { reason: message }, options)
  if (code === 'CERT_HAS_EXPIRED') return new PkiError('ERR_PKI_SERVER_EXPIRED', {}, options)
  if (code === 'CERT_NOT_YET_VALID') return new PkiError('ERR_PKI_SERVER_NOT_YET_VALID', {}, options)
  if (code.startsWith('ERR_TLS_CERT_ALTNAME')) {
    return new PkiError('ERR_PKI_SERVER_NAME', { reason: plainText(String(seen.reason ?? seen.message)) }, options)
  }
  if (code.startsWith('ERR_OSSL_')) {
    return new PkiError('ERR_PKI_IDENTITY', { reason: 'OpenSSL does not take the certificate and its key' }, options)
  }
  if (resets.has(code)) return closedEarly(context, options, message)
  const network = networkReasons[code]
  if (network !== undefined) return unreachable(network, context, options)
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO' || code.startsWith('ERR_TLS_')) {
    return new PkiError('ERR_PKI_TLS', { reason: handshakeReason(message, seen) }, options)
  }
  // The two that MQTT.js makes without a code.
  if (message === 'connack timeout') {
    const step = { connecting: 'TCP', handshake: 'TLS', connack: 'MQTT', session: 'MQTT' }[
      context.stage ?? 'connecting'
    ]
    return unreachable(`no answer to ${step} in time`, context, options)
  }
  if (message === 'Keepalive timeout') return unreachable('no answer to a ping in time', context, options)
  if (context.stage === 'connack' || context.stage === 'session') {
    return unreachable(`what answers does not speak MQTT as it should: ${message}`, context, options)
  }
  return unreachable(message === '' ? 'unknown error' : message, context, options)
}

/** What a connection that ended without any error means; `undefined` for a session, which may just end. */
export function classifySilentClose(context: ConnectionErrorContext): PkiError | undefined {
  return context.stage === 'session' ? undefined : closedEarly(context, {}, 'the connection was closed')
}

/** What MQTT 5 has beside a reason code (sections 3.2.2.3 and 3.14.2.2), written by the broker. */
interface RefusalProperties {
  readonly reasonString?: string
  readonly serverReference?: string
}

/**
 * The refusal of a CONNACK or DISCONNECT.
 *
 * A server reference is told and not followed: where a device goes is its owner's to configure, not for whoever answers at an address.
 */
export function brokerRefused(
  reasonCode: number,
  { reasonString, serverReference }: RefusalProperties = {},
  options?: { readonly cause?: unknown },
): PkiError<'ERR_PKI_BROKER_REFUSED'> {
  const said = plainText(reasonString ?? '')
  const other = plainText(serverReference ?? '')
  const words = [connackReason(reasonCode), said, other && `it names ${other}, which is not followed`]
  return new PkiError('ERR_PKI_BROKER_REFUSED', { reasonCode, reason: words.filter(Boolean).join(': ') }, options)
}

function fromAlert(alert: string, { certificate }: ConnectionErrorContext, options: { cause: unknown }): PkiError {
  const now = Date.now()
  switch (alert) {
    case 'certificate_revoked':
      return new PkiError('ERR_PKI_CLIENT_REVOKED', { alert }, options)
    case 'certificate_required':
      return new PkiError('ERR_PKI_CLIENT_REQUIRED', { alert }, options)
    case 'certificate_expired':
      // OpenSSL sends the same alert for a CRL that is past its nextUpdate.
      return certificate !== undefined && certificate.notAfter.getTime() > now
        ? new PkiError(
            'ERR_PKI_CLIENT_EXPIRED',
            {
              alert,
              reason: `it is good until ${isoTime(certificate.notAfter)}: is the server's CRL stale, or its clock ahead?`,
            },
            options,
          )
        : new PkiError('ERR_PKI_CLIENT_EXPIRED', { alert }, options)
    case 'unknown_ca':
      return new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { alert }, options)
    case 'bad_certificate':
      // OpenSSL's alert for a certificate that is not valid yet.
      return certificate !== undefined && certificate.notBefore.getTime() > now
        ? new PkiError(
            'ERR_PKI_CLIENT_UNTRUSTED',
            { alert, reason: `the certificate is not valid before ${isoTime(certificate.notBefore)}` },
            options,
          )
        : new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { alert, reason: alert }, options)
    case 'unsupported_certificate':
    case 'certificate_unknown':
      return new PkiError('ERR_PKI_CLIENT_UNTRUSTED', { alert, reason: alert }, options)
    case 'access_denied':
      return new PkiError('ERR_PKI_BROKER_REFUSED', { reason: alert }, options)
    case 'protocol_version':
      return new PkiError('ERR_PKI_TLS', { alert, reason: 'no common version: TLS 1.2 or 1.3 is needed' }, options)
    case 'handshake_failure':
      // TLS 1.2 has no certificate_required (RFC 5246 section 7.4.6).
      return new PkiError(
        'ERR_PKI_TLS',
        { alert, reason: 'handshake_failure: no common cipher, or a client certificate was wanted and not sent' },
        options,
      )
    default:
      return new PkiError('ERR_PKI_TLS', { alert, reason: alert }, options)
  }
}

function closedEarly(context: ConnectionErrorContext, options: { cause?: unknown }, message: string): PkiError {
  // A server made with node:tls sends no alert when it does not accept a certificate: it just closes, under TLS 1.2 within the handshake and under 1.3 behind it.
  if (context.stage === 'handshake' || message.includes('before secure TLS connection was established')) {
    const guess = context.answered === true ? 'it may not accept the certificate' : 'does it speak TLS here?'
    return new PkiError('ERR_PKI_TLS', { reason: `the server closed the connection: ${guess}` }, options)
  }
  if (context.stage === 'connack') {
    return new PkiError(
      'ERR_PKI_BROKER_REFUSED',
      {
        reason: 'it closed the connection without CONNACK: it may not accept the certificate, or the client identifier',
      },
      options,
    )
  }
  return unreachable('the connection was reset', context, options)
}

function unreachable(
  reason: string,
  { host, port }: ConnectionErrorContext,
  options: { cause?: unknown },
): PkiError<'ERR_PKI_UNREACHABLE'> {
  const where = host === undefined ? {} : { host, ...(port === undefined ? {} : { port }) }
  return new PkiError('ERR_PKI_UNREACHABLE', { ...where, reason }, options)
}

function handshakeReason(message: string, error: ErrorLike): string {
  if (/wrong version number|packet length too long|http request/i.test(message))
    return 'the server does not speak TLS here'
  if (/unsupported protocol|no protocols available/i.test(message)) return 'no common version: TLS 1.2 or 1.3 is needed'
  return typeof error.reason === 'string' ? plainText(error.reason) : message
}

/** Node hangs the server's whole certificate on a name mismatch: too much for a log. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error) || !('cert' in error)) return error
  const { message, code } = error as NodeJS.ErrnoException
  return Object.assign(new Error(message), { code })
}

function isoTime(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z')
}
