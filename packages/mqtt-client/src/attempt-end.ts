import { isPkiError, type PkiError } from '@fleetcert/x509'
import { type ConnectionAttempt, connackCode } from './connection-attempt.ts'

/**
 * How an attempt, or the session that came of it, ended, as far as the next attempt is concerned:
 *
 * - `lost`: the other side ended a session, maybe all of them;
 * - `silent`: nothing came any more, or the route is gone;
 * - `failed`: there was no session;
 * - `busy`: the broker is there, and has too much to do;
 * - `refused`: the broker does not want this device.
 */
export interface AttemptEnd {
  readonly kind: 'lost' | 'silent' | 'failed' | 'busy' | 'refused'
  /** What the broker asked for. */
  readonly retryAfterSeconds?: number
}

// MQTT 5 sections 3.2.2.2 and 3.14.2.1, and 3 of MQTT 3.1.1 section 3.2.2.3. None of them says how long.
const unavailable = new Set([3, 0x88, 0x8b, 0x8d, 0x9c, 0x9d, 0xa0])
const tooMuch = new Set([0x89, 0x93, 0x96, 0x97, 0x9f])
const silence = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENETRESET'])

const mostHintSeconds = 3600

/** Reads how an attempt ended; `error` is its verdict. */
export function attemptEnd(attempt: ConnectionAttempt, error: PkiError | undefined): AttemptEnd {
  const retryAfterSeconds = attempt.disconnect
    ? retryAfterOf(attempt.disconnect.properties?.userProperties)
    : attempt.connack && retryAfterOf(attempt.connack.properties?.userProperties)
  const hint = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
  const code = attempt.disconnect?.reasonCode ?? (attempt.connack && connackCode(attempt.connack)) ?? 0
  const hadSession = attempt.connectedAt !== undefined
  if (hadSession ? tooMuch.has(code) : isBusy(code)) return { kind: 'busy', ...hint }
  if (hadSession && unavailable.has(code)) return { kind: 'lost', ...hint }
  if (error?.code.startsWith('ERR_PKI_CLIENT_') || isPkiError(error, 'ERR_PKI_BROKER_REFUSED')) {
    return { kind: 'refused', ...hint }
  }
  if (!hadSession) return { kind: 'failed' }
  return { kind: [...attempt.errors].some(isSilence) ? 'silent' : 'lost', ...hint }
}

/** Whether a CONNACK's code speaks of the broker, and not of who connects. */
export function isBusy(code: number): boolean {
  return tooMuch.has(code) || unavailable.has(code)
}

function isSilence(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  // MQTT.js' own, without a code.
  return message === 'Keepalive timeout' || (typeof code === 'string' && silence.has(code))
}

/**
 * The user property `retry-after` of CONNACK or DISCONNECT: whole seconds, as HTTP's header of that name (RFC 9110 section 10.2.3). MQTT has nothing of its own for it, and the reason string is for people. More than an hour is
 * taken for an hour: a broker's mistake must not keep a fleet away for longer.
 */
export function retryAfterOf(properties: Readonly<Record<string, unknown>> | undefined): number | undefined {
  for (const [name, value] of Object.entries(properties ?? {})) {
    const text: unknown = Array.isArray(value) ? value[0] : value
    if (name.toLowerCase() !== 'retry-after' || typeof text !== 'string' || !/^\d{1,10}$/.test(text)) continue
    return Math.min(Number(text), mostHintSeconds)
  }
  return undefined
}
