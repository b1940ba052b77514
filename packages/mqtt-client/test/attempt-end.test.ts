import fc from 'fast-check'
import type { IConnackPacket, IDisconnectPacket } from 'mqtt'
import { expect, test } from 'vitest'
import { attemptEnd, retryAfterOf } from '../src/attempt-end.ts'
import { attemptVerdict, type ConnectionAttempt, createAttempt } from '../src/connection-attempt.ts'

/** An attempt as it was seen, and how it ended. */
function endOf(seen: Partial<ConnectionAttempt>, ...errors: unknown[]): ReturnType<typeof attemptEnd> {
  const attempt = { ...createAttempt(), ...seen, errors: new Set(errors) }
  return attemptEnd(attempt, attemptVerdict(attempt, {}))
}

const session = { stage: 'session', connectedAt: 1 } as const
const connack = (code: number, userProperties?: Record<string, string>): Partial<ConnectionAttempt> => ({
  stage: 'connack',
  connack: {
    cmd: 'connack',
    reasonCode: code,
    sessionPresent: false,
    ...(userProperties && { properties: { userProperties } }),
  } as IConnackPacket,
})
const disconnect = (code: number, userProperties?: Record<string, string>): Partial<ConnectionAttempt> => ({
  ...session,
  disconnect: {
    cmd: 'disconnect',
    reasonCode: code,
    ...(userProperties && { properties: { userProperties } }),
  } as IDisconnectPacket,
})
const withCode = (code: string): Error => Object.assign(new Error(code), { code })

test.each([
  ['a session that just ends', endOf(session), 'lost'],
  ['a session that is reset', endOf(session, withCode('ECONNRESET')), 'lost'],
  ['a session whose host is gone', endOf(session, withCode('EHOSTUNREACH')), 'silent'],
  ['a session without an answer to a ping', endOf(session, new Error('Keepalive timeout')), 'silent'],
  ['a broker that shuts down', endOf(disconnect(0x8b)), 'lost'],
  ['a broker that names another', endOf(disconnect(0x9c)), 'lost'],
  ['a broker that is done with it', endOf(disconnect(0)), 'lost'],
  ['a broker that has too much to do', endOf(disconnect(0x97)), 'busy'],
  ['a session that was taken over', endOf(disconnect(0x8e)), 'refused'],
  ['a device that was thrown out', endOf(disconnect(0x98)), 'refused'],
  ['CONNACK: not authorized', endOf(connack(0x87)), 'refused'],
  ['CONNACK: server unavailable, of MQTT 3.1.1', endOf(connack(3)), 'busy'],
  ['CONNACK: server busy', endOf(connack(0x89)), 'busy'],
  ['CONNACK: use another server', endOf(connack(0x9c)), 'busy'],
  ['CONNACK: connection rate exceeded', endOf(connack(0x9f)), 'busy'],
  ['nothing listens', endOf({ stage: 'connecting' }, withCode('ECONNREFUSED')), 'failed'],
  ['no route, and no session', endOf({ stage: 'connecting' }, withCode('ENETUNREACH')), 'failed'],
  [
    "a server's certificate that is not accepted",
    endOf({ stage: 'handshake' }, withCode('CERT_HAS_EXPIRED')),
    'failed',
  ],
  [
    'an alert for a certificate that was revoked',
    endOf({ stage: 'connack' }, new Error('SSL alert number 44')),
    'refused',
  ],
  ['a connection that is closed instead of CONNACK', endOf({ stage: 'connack' }), 'refused'],
])('%s', (_, end, kind) => {
  expect(end).toEqual({ kind })
})

test('what the broker asks for goes with it', () => {
  const hint = { 'retry-after': '30' }
  expect(endOf(connack(0x89, hint))).toEqual({ kind: 'busy', retryAfterSeconds: 30 })
  expect(endOf(connack(0x87, hint))).toEqual({ kind: 'refused', retryAfterSeconds: 30 })
  expect(endOf(disconnect(0x8b, hint))).toEqual({ kind: 'lost', retryAfterSeconds: 30 })
  expect(endOf(disconnect(0, hint))).toEqual({ kind: 'lost', retryAfterSeconds: 30 })
})

test.each([
  [{ 'Retry-After': '30' }, 30],
  [{ 'retry-after': ['10', '20'] }, 10],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '9999999999' }, 3600],
  [{ other: '30' }, undefined],
  [{ 'retry-after': '-1' }, undefined],
  [{ 'retry-after': '1.5' }, undefined],
  [{ 'retry-after': '1e3' }, undefined],
  [{ 'retry-after': 'Sun, 22 Nov 2026 05:00:00 GMT' }, undefined],
  [{ 'retry-after': '99999999999' }, undefined],
  [{ 'retry-after': [] }, undefined],
  [undefined, undefined],
])('%j asks for %j', (properties, seconds) => {
  expect(retryAfterOf(properties)).toBe(seconds)
})

test('whatever a broker writes there, it is at most an hour', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('retry-after', 'Retry-After', 'x'), fc.oneof(fc.string(), fc.array(fc.string()))),
      properties => {
        const seconds = retryAfterOf(properties) ?? 0
        expect(seconds >= 0 && seconds <= 3600).toBe(true)
      },
    ),
  )
})
