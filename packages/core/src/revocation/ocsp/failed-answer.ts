import { encodeOcspFailure, isPkiError, type PkiErrorCode } from '@fleetcert/x509'
import type { FailedOcspAnswer } from './ocsp-answer.ts'

type Failure = FailedOcspAnswer['responseStatus']

const der: Readonly<Record<Failure, Uint8Array>> = {
  malformedRequest: encodeOcspFailure('malformedRequest'),
  internalError: encodeOcspFailure('internalError'),
  tryLater: encodeOcspFailure('tryLater'),
  sigRequired: encodeOcspFailure('sigRequired'),
  unauthorized: encodeOcspFailure('unauthorized'),
}

// A fresh copy for each: five octets that a caller cannot spoil for the next.
export function failedAnswer(responseStatus: Failure, cause?: unknown): FailedOcspAnswer {
  const answer = { responseStatus, der: new Uint8Array(der[responseStatus]) }
  return cause === undefined ? answer : { ...answer, cause }
}

/** What does not pass by itself or by an operator's hand. */
const lasting: readonly PkiErrorCode[] = ['ERR_PKI_STORE_CORRUPT', 'ERR_PKI_STORE_SCHEMA', 'ERR_PKI_LINT']

/**
 * RFC 6960 section 2.3: tryLater says that the responder works and cannot return a status now; internalError that it "reached an inconsistent internal state".
 */
export function failureOf(error: unknown): FailedOcspAnswer {
  const isDefect =
    error instanceof TypeError || error instanceof RangeError || lasting.some(code => isPkiError(error, code))
  return failedAnswer(isDefect ? 'internalError' : 'tryLater', error)
}
