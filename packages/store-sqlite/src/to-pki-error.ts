import { PkiError } from '@fleetcert/core'
import { StoreFailure } from './store-failure.ts'

/** A failure of the store as its callers know it; anything else as it is. */
export function toPkiError(error: unknown): unknown {
  return error instanceof StoreFailure ? new PkiError(error.code, error.details, { cause: error.cause }) : error
}
