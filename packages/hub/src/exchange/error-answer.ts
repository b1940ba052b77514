import { isPkiError, type PkiErrorCode, pkiErrorSentences } from '@fleetcert/core'
import type { Answer } from './exchange.ts'
import { httpStatus } from './http-status.ts'
import { jsonAnswer } from './json-answer.ts'
import { retryAfterSeconds } from './retry-after.ts'

// RFC 9110 section 15.5.2: "The server generating a 401 response MUST send a WWW-Authenticate header field".
const challenge = { 'www-authenticate': 'Bearer realm="fleetcert"' }

/** What a caller is told of a failure. */
export interface ToldError {
  readonly status: number
  readonly code: PkiErrorCode
  readonly message: string
  /** Absent where asking again changes nothing. */
  readonly retryAfterSeconds?: number
}

/** Of anything thrown. The reason of a 5xx stays inside: what is told is the code's sentence alone. */
export function toldError(error: unknown): ToldError {
  const status = isPkiError(error) ? (httpStatus[error.code] ?? 500) : 500
  const code: PkiErrorCode = isPkiError(error) && status !== 500 ? error.code : 'ERR_PKI_INTERNAL'
  const message = isPkiError(error) && status < 500 ? error.message : pkiErrorSentences[code]
  const retryAfter = retryAfterSeconds(error, status)
  return { status, code, message, ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }) }
}

/** `{ error: { code, message } }` for anything thrown. */
export function errorAnswer(error: unknown): Answer {
  const { status, code, message, retryAfterSeconds: retryAfter } = toldError(error)
  return jsonAnswer(
    status,
    { error: { code, message } },
    {
      ...(status === 401 ? challenge : {}),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
  )
}

/** 405, with the methods that the address does answer (RFC 9110 section 15.5.6). */
export function methodAnswer(allow: readonly string[]): Answer {
  const error = { code: 'ERR_PKI_METHOD', message: pkiErrorSentences.ERR_PKI_METHOD }
  return jsonAnswer(405, { error }, { allow: allow.join(', ') })
}
