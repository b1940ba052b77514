import { isPkiError, type PkiErrorCode, pkiErrorSentences } from '@fleetcert/core'
import type { Answer } from './exchange.ts'
import { httpStatus } from './http-status.ts'
import { jsonAnswer } from './json-answer.ts'

const headersByStatus: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  // RFC 9110 section 15.5.2: "The server generating a 401 response MUST send a WWW-Authenticate header field".
  401: { 'www-authenticate': 'Bearer realm="fleetcert"' },
  503: { 'retry-after': '5' },
}

/** `{ error: { code, message } }` for anything thrown. The reason of a 5xx stays inside: the answer holds the code's sentence alone. */
export function errorAnswer(error: unknown): Answer {
  const status = isPkiError(error) ? (httpStatus[error.code] ?? 500) : 500
  const code: PkiErrorCode = isPkiError(error) && status !== 500 ? error.code : 'ERR_PKI_INTERNAL'
  const message = isPkiError(error) && status < 500 ? error.message : pkiErrorSentences[code]
  return jsonAnswer(status, { error: { code, message } }, headersByStatus[status])
}

/** 405, with the methods that the address does answer (RFC 9110 section 15.5.6). */
export function methodAnswer(allow: readonly string[]): Answer {
  const error = { code: 'ERR_PKI_METHOD', message: pkiErrorSentences.ERR_PKI_METHOD }
  return jsonAnswer(405, { error }, { allow: allow.join(', ') })
}
