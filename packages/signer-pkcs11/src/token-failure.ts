import { PkiError } from '@fleetcert/x509'
import type { ThreadFailure } from './thread/thread-messages.ts'

/** A {@link ThreadFailure} on its way to the caller. */
export class TokenFailure extends Error {
  readonly failure: ThreadFailure

  constructor(failure: ThreadFailure) {
    super(failure.reason)
    this.failure = failure
  }
}

/** What came of a call under a key's name, as callers are told. Errors that are none of the token's stay as they are. */
export function toPkiError(error: unknown, name: string, algorithm: string): unknown {
  if (!(error instanceof TokenFailure)) return error
  const { kind, reason } = error.failure
  switch (kind) {
    case 'exists':
    case 'contested':
      return new PkiError('ERR_PKI_KEY_EXISTS', { name })
    case 'missing':
      return new PkiError('ERR_PKI_KEY_MISSING', { name })
    case 'defect':
      return new PkiError('ERR_PKI_KEY_UNREADABLE', { name, reason })
    case 'writable':
      return new PkiError('ERR_PKI_KEY_UNWRITABLE', { name, reason })
    case 'algorithm':
      return new PkiError('ERR_PKI_ALGORITHM', { algorithm })
    case 'pin':
    case 'pinAtRisk':
      return new PkiError('ERR_PKI_HSM_PIN', { reason })
    default:
      return new PkiError('ERR_PKI_HSM_UNAVAILABLE', { reason })
  }
}
