import { PkiError } from '@fleetcert/x509'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ConnectionErrorContext, classifyConnectionError } from '../src/index.ts'
import { expectNoPem } from './support/rejection.ts'

function classified(error: unknown, context?: ConnectionErrorContext): string {
  const result = classifyConnectionError(error, context)
  expectNoPem(result)
  return `${result.code}: ${(result.details as { reason?: string }).reason ?? ''}`
}

function coded(code: string | number, message = '', more: object = {}): Error {
  return Object.assign(new Error(message), { code }, more)
}

describe('alerts of the server', () => {
  // As Node 20 (OpenSSL 3.0) and Node 24 (OpenSSL 3.5) report them, and as the answer to a write under TLS 1.2.
  const forms = [
    (name: string, number: number) =>
      coded(`ERR_SSL_SSLV3_ALERT_${name}`, `error:0A000414:SSL routines:ssl3_read_bytes:x:SSL alert number ${number}`),
    (name: string, number: number) =>
      coded(`ERR_SSL_SSL/TLS_ALERT_${name}`, `error:0A000414:SSL routines::x:SSL alert number ${number}\n`),
    (name: string) => coded(`ERR_SSL_TLSV13_ALERT_${name}`, 'no number'),
    (_: string, number: number) =>
      coded('EPROTO', `write EPROTO 80:error:x:rec_layer_s3.c:1:SSL alert number ${number}`),
  ]

  test.each([
    ['CERTIFICATE_REVOKED', 44, 'ERR_PKI_CLIENT_REVOKED'],
    ['CERTIFICATE_EXPIRED', 45, 'ERR_PKI_CLIENT_EXPIRED'],
    ['CERTIFICATE_REQUIRED', 116, 'ERR_PKI_CLIENT_REQUIRED'],
    ['UNKNOWN_CA', 48, 'ERR_PKI_CLIENT_UNTRUSTED'],
    ['BAD_CERTIFICATE', 42, 'ERR_PKI_CLIENT_UNTRUSTED'],
    ['UNSUPPORTED_CERTIFICATE', 43, 'ERR_PKI_CLIENT_UNTRUSTED'],
    ['CERTIFICATE_UNKNOWN', 46, 'ERR_PKI_CLIENT_UNTRUSTED'],
    ['ACCESS_DENIED', 49, 'ERR_PKI_BROKER_REFUSED'],
    ['HANDSHAKE_FAILURE', 40, 'ERR_PKI_TLS'],
    ['PROTOCOL_VERSION', 70, 'ERR_PKI_TLS'],
    ['INTERNAL_ERROR', 80, 'ERR_PKI_TLS'],
  ])('%s (%i) is %s', (name, number, code) => {
    for (const form of forms) expect(classifyConnectionError(form(name, number)).code).toBe(code)
    const { details } = classifyConnectionError(forms[0]!(name, number))
    expect(JSON.stringify(details)).toContain(name.toLowerCase())
  })

  test('one without a name', () => {
    expect(classified(coded('EPROTO', 'SSL alert number 255'))).toBe('ERR_PKI_TLS: alert 255')
  })

  test('expired, when the certificate is not: the server reads a stale CRL', () => {
    const certificate = { notBefore: new Date(0), notAfter: new Date('2999-01-01T00:00:00Z') }
    const expired = coded('EPROTO', 'SSL alert number 45')
    expect(classified(expired, { certificate })).toContain('good until 2999-01-01T00:00:00Z: is the server')
    expect(classified(expired, { certificate: { ...certificate, notAfter: new Date(1) } })).toBe(
      'ERR_PKI_CLIENT_EXPIRED: ',
    )
  })
})

describe('the certificate of the server', () => {
  test.each([
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['UNABLE_TO_GET_ISSUER_CERT', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['INVALID_PURPOSE', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['UNSPECIFIED', 'ERR_PKI_SERVER_UNTRUSTED'],
    ['CERT_HAS_EXPIRED', 'ERR_PKI_SERVER_EXPIRED'],
    ['CERT_NOT_YET_VALID', 'ERR_PKI_SERVER_NOT_YET_VALID'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_PKI_SERVER_NAME'],
    ['ERR_TLS_CERT_ALTNAME_FORMAT', 'ERR_PKI_SERVER_NAME'],
  ])('%s is %s', (code, expected) => {
    expect(classifyConnectionError(coded(code, 'text of OpenSSL')).code).toBe(expected)
  })

  test('a wrong name is told without the whole certificate', () => {
    const cert = { raw: Buffer.alloc(10), subject: { CN: 'other' } }
    const error = classifyConnectionError(coded('ERR_TLS_CERT_ALTNAME_INVALID', 'long', { reason: 'Host: a. b', cert }))
    expect(error.details).toEqual({ reason: 'Host: a. b' })
    expect(error.cause).not.toHaveProperty('cert')
  })
})

test.each([
  ['ECONNREFUSED', undefined, 'ERR_PKI_UNREACHABLE: nothing listens there'],
  ['ENOTFOUND', undefined, 'ERR_PKI_UNREACHABLE: the host name is unknown'],
  ['ETIMEDOUT', undefined, 'ERR_PKI_UNREACHABLE: no answer'],
  ['ECONNRESET', undefined, 'ERR_PKI_UNREACHABLE: the connection was reset'],
  ['ECONNRESET', 'session', 'ERR_PKI_UNREACHABLE: the connection was reset'],
  ['ECONNRESET', 'handshake', 'ERR_PKI_TLS: the server closed the connection: does it speak TLS here?'],
  ['EPIPE', 'connack', 'ERR_PKI_BROKER_REFUSED: it closed the connection without CONNACK'],
] as const)('%s at the stage %s is %s', (code, stage, expected) => {
  const context = { host: 'broker.example', port: 8883, ...(stage && { stage }) }
  expect(classified(coded(code, 'read X'), context)).toContain(expected)
})

test.each([
  [
    coded('EPROTO', 'write EPROTO error:ssl3_get_record:wrong version number'),
    'ERR_PKI_TLS: the server does not speak TLS',
  ],
  [coded('ERR_SSL_UNSUPPORTED_PROTOCOL', 'unsupported protocol'), 'ERR_PKI_TLS: no common version'],
  [coded('ERR_SSL_DH_KEY_TOO_SMALL', 'x', { reason: 'dh key too small' }), 'ERR_PKI_TLS: dh key too small'],
  [coded('ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'key values mismatch'), 'ERR_PKI_IDENTITY: '],
  [coded(5, 'Connection refused: Not authorized'), 'ERR_PKI_BROKER_REFUSED: not authorized'],
  [coded(138, 'Connection refused: Banned'), 'ERR_PKI_BROKER_REFUSED: banned'],
  [coded(255, ''), 'ERR_PKI_BROKER_REFUSED: code 255'],
  [new Error('Keepalive timeout'), 'ERR_PKI_UNREACHABLE: no answer to a ping in time'],
  [new Error('connack timeout'), 'ERR_PKI_UNREACHABLE: no answer to TCP in time'],
  [new Error(''), 'ERR_PKI_UNREACHABLE: unknown error'],
  [new AggregateError([]), 'ERR_PKI_UNREACHABLE: unknown error'],
  ['only a text', 'ERR_PKI_UNREACHABLE: only a text'],
  [undefined, 'ERR_PKI_UNREACHABLE: undefined'],
  [null, 'ERR_PKI_UNREACHABLE: null'],
])('%o', (error, expected) => {
  expect(classified(error)).toContain(expected)
})

test('a PkiError stays what it is', () => {
  const error = new PkiError('ERR_PKI_IDENTITY', { reason: 'x' })
  expect(classifyConnectionError(error)).toBe(error)
})

test('text of strangers is cut, put on one line, and freed of PEM', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----'
  const { message } = classifyConnectionError(new Error(`a\u001b[2J\n\u202eb ${'x'.repeat(5000)}`))
  expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(message.length).toBeLessThan(300)
  expect(classifyConnectionError(new Error(`cannot load ${key}`)).message).not.toContain('BEGIN')
})

test('anything at all gets a code', () => {
  fc.assert(
    fc.property(fc.anything(), fc.string(), fc.string(), (value, code, message) => {
      expect(classifyConnectionError(value).code).toMatch(/^ERR_PKI_/)
      expect(classifyConnectionError({ code, message }).code).toMatch(/^ERR_PKI_/)
    }),
  )
})
