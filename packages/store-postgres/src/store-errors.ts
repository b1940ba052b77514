import { PkiError } from '@fleetcert/core'

export function storeUnavailable(reason: string, cause?: Error): PkiError {
  return new PkiError('ERR_PKI_STORE_UNAVAILABLE', { reason }, { cause })
}

export function storeCorrupt(reason: string, cause?: Error): PkiError {
  return new PkiError('ERR_PKI_STORE_CORRUPT', { reason }, { cause })
}

export function badCursor(): PkiError {
  return new PkiError('ERR_PKI_CURSOR', {})
}

export function storeClosed(): PkiError {
  return new PkiError('ERR_PKI_CLOSED', {})
}
