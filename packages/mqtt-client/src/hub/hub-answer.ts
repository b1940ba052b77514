import { PkiError } from '@fleetcert/x509'
import { plainText } from '../plain-text.ts'
import type { CredentialAnswer, RenewalInfo } from './hub-transport.ts'

// What Date.prototype.toISOString writes, with or without fractions.
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/

/** The JSON of a new credential. The members are left for the reader of certificates. */
export function readCredentialAnswer(json: unknown): CredentialAnswer {
  const { clientCert: certificate, caCert: trustAnchors } = objectOf(json)
  return { certificate, trustAnchors }
}

/** The JSON of `renewal-info`. */
export function readRenewalInfo(json: unknown): RenewalInfo {
  const { suggestedWindow, fingerprint, trustAnchors } = objectOf(json)
  const { start, end } = objectOf(suggestedWindow)
  const window = { start: readTime(start), end: readTime(end) }
  if (window.start.getTime() > window.end.getTime()) throw unusable('its window ends before it begins')
  if (typeof fingerprint !== 'string') throw unusable('it does not say which certificate it is about')
  return { window, fingerprint, trustAnchors }
}

/** The JSON of a confirmation. */
export function readConfirmation(json: unknown): { readonly superseded: number } {
  const { superseded } = objectOf(json)
  if (typeof superseded !== 'number' || !Number.isInteger(superseded) || superseded < 0) {
    throw unusable('it does not say how many certificates end')
  }
  return { superseded }
}

/**
 * What a hub says of an error: its code if it is one of ours, its words in one line; none that repeat `token`, for a server that says again what it was sent must not bring it into a log.
 */
export function readHubError(json: unknown, token?: string): { readonly code?: string; readonly reason?: string } {
  if (typeof json !== 'object' || json === null) return {}
  const { error } = json as { readonly error?: unknown }
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  // Before the words are cut: a part of a token is too much as well.
  const isRepeated = token !== undefined && typeof message === 'string' && message.includes(token)
  const reason = typeof message === 'string' && !isRepeated ? plainText(message) : ''
  return {
    ...(typeof code === 'string' && /^ERR_PKI_[A-Z_]{1,60}$/.test(code) ? { code } : {}),
    ...(reason === '' ? {} : { reason }),
  }
}

/** JSON text of a stranger. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: it quotes the text.
    throw unusable('it is not JSON')
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unusable('a part of it is missing')
  return value as Record<string, unknown>
}

function readTime(value: unknown): Date {
  const time = typeof value === 'string' && isoTime.test(value) ? new Date(value) : new Date(Number.NaN)
  if (Number.isNaN(time.getTime())) throw unusable('its window is no time')
  return time
}

function unusable(reason: string): PkiError<'ERR_PKI_HUB_ANSWER'> {
  return new PkiError('ERR_PKI_HUB_ANSWER', { reason })
}
