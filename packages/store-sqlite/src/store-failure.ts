import type { PkiErrorCode, PkiErrorDetails } from '@fleetcert/core'

/**
 * Why the store could not do as it was told: a code and its details, which is what crosses from thread to thread. It leaves the package as the `PkiError` of that code.
 * Not a `PkiError` from the start, so that the writer's thread need not load core.
 */
export class StoreFailure<Code extends PkiErrorCode = PkiErrorCode> extends Error {
  readonly code: Code
  readonly details: PkiErrorDetails<Code>

  constructor(code: Code, details: PkiErrorDetails<Code>, cause?: unknown) {
    super(code, { cause })
    this.name = 'StoreFailure'
    this.code = code
    this.details = details
  }
}

export function storeUnavailable(reason: string, cause?: unknown): StoreFailure {
  return new StoreFailure('ERR_PKI_STORE_UNAVAILABLE', { reason }, cause)
}

export function storeCorrupt(reason: string, cause?: unknown): StoreFailure {
  return new StoreFailure('ERR_PKI_STORE_CORRUPT', { reason }, cause)
}
